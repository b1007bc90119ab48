//! What the machine has.

use std::fs;

/// Bytes of memory of the machine, or of the container that the process is in; none where nobody
/// says.
pub fn memory() -> Option<usize> {
    let of_machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(total)?;
    let of_container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let of_container = of_container.and_then(|bytes| bytes.trim().parse().ok());
    Some(of_container.map_or(of_machine, |bytes: usize| bytes.min(of_machine)))
}

/// The total in what the kernel says of memory.
fn total(meminfo: &str) -> Option<usize> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_memory_is_read_in_bytes() {
        let meminfo = "MemTotal:       24683272 kB\nMemFree:         1234 kB\n";
        assert_eq!(total(meminfo), Some(24_683_272 << 10));
        assert_eq!(total("MemFree: 1 kB"), None);
    }
}
