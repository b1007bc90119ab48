//! Figures of benches, kept per machine and compared with earlier ones: what `make bench` does.
//!
//! A bench writes a line for each figure, `figure`, name, value and unit with tabs between them;
//! more is better. A unit that begins with `of` says that the figure is a ratio to something in
//! the same run, which what else the machine does hardly moves; anything else is a rate.
//!
//! What is kept is not the last run but the run to measure up to: a figure that is new, or better
//! by more than the margin, is kept; one within the margin leaves what is kept alone, so that many
//! small losses add up to one that is seen; a loss is told of until it is mended or accepted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// By how much a ratio may move without meaning anything.
const RATIO_MARGIN: f64 = 0.25;

/// By how much a rate may.
const RATE_MARGIN: f64 = 0.5;

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is of.
    pub name: String,
    /// How much; more is better.
    pub value: f64,
    /// In what.
    pub unit: String,
}

/// Figures by name, as they are kept.
pub type Kept = BTreeMap<String, f64>;

/// How a figure stands to the one that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    Same,
    Better,
    Loss,
}

impl Figure {
    /// The figure in a line of a bench, if it holds one.
    pub fn read(line: &str) -> Option<Self> {
        let mut fields = line.strip_prefix("figure\t")?.split('\t');
        let (name, value, unit) = (fields.next()?, fields.next()?, fields.next()?);
        let value = value.parse().ok()?;
        Some(Self { name: name.to_owned(), value, unit: unit.to_owned() })
    }

    fn standing(&self, kept: &Kept) -> Standing {
        let Some(before) = kept.get(&self.name) else { return Standing::New };
        let is_ratio = self.unit.starts_with("of ");
        let margin = 1.0 - if is_ratio { RATIO_MARGIN } else { RATE_MARGIN };
        if self.value < before * margin {
            Standing::Loss
        } else if before < &(self.value * margin) {
            Standing::Better
        } else {
            Standing::Same
        }
    }
}

/// Compares figures with those that are kept. Gives a table, and how many are losses.
pub fn compare(figures: &[Figure], kept: &Kept) -> (String, usize) {
    let width = figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    let mut table = format!("{:width$} {:>12} {:>12} {:>7}\n", "figure", "now", "before", "change");
    let mut losses = 0;
    for figure in figures {
        let Figure { name, value, unit } = figure;
        let _ = match kept.get(name) {
            Some(before) => {
                let change = (value / before - 1.0) * 100.0;
                write!(table, "{name:width$} {value:>12.2} {before:>12.2} {change:>+6.0}%  {unit}")
            }
            None => write!(table, "{name:width$} {value:>12.2} {:>12} {:>7}  {unit}", "-", "-"),
        };
        table += match figure.standing(kept) {
            Standing::Loss => "  LOSS\n",
            Standing::Better => "  better\n",
            Standing::New | Standing::Same => "\n",
        };
        losses += usize::from(figure.standing(kept) == Standing::Loss);
    }
    (table, losses)
}

/// Puts figures among those that are kept; with `accept` all of them, however they stand.
pub fn keep(figures: &[Figure], kept: &mut Kept, accept: bool) {
    let is_kept = |figure: &&Figure| {
        accept || matches!(figure.standing(kept), Standing::New | Standing::Better)
    };
    let chosen: Vec<&Figure> = figures.iter().filter(is_kept).collect();
    kept.extend(chosen.iter().map(|figure| (figure.name.clone(), figure.value)));
}

/// The file for this machine in a folder: named after its processor and how many threads it runs.
pub fn file(folder: &Path) -> PathBuf {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    folder.join(machine(&cpuinfo, threads)).with_extension("json")
}

fn machine(cpuinfo: &str, threads: usize) -> String {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    let words = model.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_lowercase).collect();
    format!("{}-{threads}-threads", words.join("-"))
}

/// Reads what is kept; nothing where there is no file yet.
pub fn load(file: &Path) -> Result<Kept> {
    if !file.exists() {
        return Ok(Kept::new());
    }
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("figures in {}", file.display()))
}

/// Writes what is to be kept.
pub fn save(file: &Path, kept: &Kept) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(kept)? + "\n";
    fs::write(file, text).with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: f64, unit: &str) -> Figure {
        Figure { name: name.into(), value, unit: unit.into() }
    }

    #[test]
    fn a_line_is_a_figure_or_not() {
        let line = "figure\tdecode JSON\t2.125\tof arrow-json";
        assert_eq!(Figure::read(line), Some(figure("decode JSON", 2.125, "of arrow-json")));
        assert_eq!(Figure::read("figure of speech"), None);
        assert_eq!(Figure::read("figure\tdecode JSON\tfast\tof arrow-json"), None);
    }

    #[test]
    fn a_ratio_has_a_smaller_margin_than_a_rate() {
        let kept = Kept::from([("a".into(), 2.0), ("b".into(), 2.0)]);
        let figures = [figure("a", 1.4, "of b"), figure("b", 1.4, "commits/s")];
        let (table, losses) = compare(&figures, &kept);
        assert_eq!(losses, 1);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].ends_with("-30%  of b  LOSS"), "{table}");
        assert!(lines[2].ends_with("-30%  commits/s"), "{table}");
    }

    #[test]
    fn small_losses_add_up_and_a_loss_stays_until_it_is_accepted() {
        let mut kept = Kept::new();
        for value in [1.0, 0.9, 0.8, 0.7] {
            keep(&[figure("a", value, "of b")], &mut kept, false);
        }
        assert_eq!(kept["a"], 1.0);
        assert_eq!(compare(&[figure("a", 0.7, "of b")], &kept).1, 1);
        keep(&[figure("a", 0.7, "of b")], &mut kept, true);
        assert_eq!(kept["a"], 0.7);
        keep(&[figure("a", 2.0, "of b")], &mut kept, false);
        assert_eq!(kept["a"], 2.0);
    }

    #[test]
    fn a_machine_is_named_by_its_processor() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Fast(R) CPU @ 2.10GHz\n";
        assert_eq!(machine(cpuinfo, 4), "fast-r-cpu-2-10ghz-4-threads");
    }
}
