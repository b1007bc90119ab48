//! What the system knows of this process: time on processors, and memory.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};

/// How often memory is looked at.
const STEP: Duration = Duration::from_millis(10);

/// Ticks of the processor's clock in a second, as every Linux has them.
const TICKS: f64 = 100.0;

/// Seconds that this process has spent on processors.
pub fn processor_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let rest = text.rsplit_once(')').context("/proc/self/stat has no name")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Ok((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS)
}

/// Forgets the highest memory so far.
pub fn forget_peak() -> Result<()> {
    fs::write("/proc/self/clear_refs", "5").context("write /proc/self/clear_refs")
}

/// Kilobytes of memory that were resident at most, mapped files and all.
pub fn peak_kb() -> Result<u64> {
    status("VmHWM:")
}

/// Kilobytes of memory that are resident and the process's own.
pub fn own_kb() -> Result<u64> {
    status("RssAnon:")
}

/// Kilobytes of another process's memory that are resident, mapped files and all.
pub fn resident_kb(process: u32) -> Result<u64> {
    status_of(&process.to_string(), "VmRSS:")
}

fn status(name: &str) -> Result<u64> {
    status_of("self", name)
}

fn status_of(process: &str, name: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.with_context(|| format!("/proc/{process}/status has no {name}"))?;
    let number = line.trim().split(' ').next().unwrap_or_default();
    number.parse().with_context(|| format!("{name} {line}"))
}

/// Watches the memory that is the process's own, without files that are mapped: those the
/// system takes back when others need room.
pub struct OwnMemory {
    stop: Sender<()>,
    watcher: JoinHandle<u64>,
}

impl OwnMemory {
    /// Watches from now on.
    pub fn watch() -> Self {
        let (stop, stopped) = mpsc::channel();
        let watcher = std::thread::spawn(move || {
            let mut peak = 0;
            loop {
                peak = peak.max(own_kb().unwrap_or(0));
                match stopped.recv_timeout(STEP) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return peak,
                }
            }
        });
        Self { stop, watcher }
    }

    /// The most kilobytes that there were.
    pub fn peak_kb(self) -> u64 {
        drop(self.stop);
        self.watcher.join().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_time_and_memory() {
        let watch = OwnMemory::watch();
        let bytes: Vec<u64> = (0..4 << 20).collect();
        assert!(processor_seconds().expect("the time") >= 0.0);
        assert!(watch.peak_kb() > 0 && peak_kb().expect("the peak") >= 32 << 10);
        assert_eq!(bytes.len(), 4 << 20);
    }
}
