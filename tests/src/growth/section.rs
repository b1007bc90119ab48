//! What grows.

use std::path::Path;

use anyhow::{Result, bail};

use super::{backlog, counting, latency, queries, start};

/// Something that grows.
#[derive(Debug)]
pub struct Section {
    /// Its name on the command line.
    pub name: &'static str,
    /// What stands above its table and panel.
    pub title: &'static str,
    /// The head of the column of steps.
    pub steps_of: &'static str,
    /// The steps by which it grows.
    pub steps: &'static [u64],
    /// Whether `--percent` makes the steps themselves smaller.
    pub scaled: bool,
    /// The heads of the columns of figures.
    pub columns: &'static [&'static str],
    /// The column that is drawn.
    pub drawn: usize,
}

/// All that grows, in the order in which it is measured.
pub static SECTIONS: [Section; 7] = [
    Section {
        name: "partitions",
        title: "Partitions: tumbling count by 100 thousand keys, 8 million records, ARROW",
        steps_of: "partitions",
        steps: &[1, 2, 4, 8],
        scaled: false,
        columns: &["million records/s", "million records/s and core", "own MB"],
        drawn: 0,
    },
    Section {
        name: "keys",
        title: "Keys: tumbling count, 10 million records, ARROW",
        steps_of: "keys",
        steps: &[10_000, 100_000, 1_000_000, 10_000_000],
        scaled: true,
        columns: &[
            "million records/s",
            "million records/s and core",
            "own MB",
            "bytes of state per key",
            "own bytes per key",
        ],
        drawn: 1,
    },
    Section {
        name: "memory",
        title: "State beyond memory: tumbling count by 1 million keys, 4 million records, ARROW",
        steps_of: "MiB for state",
        steps: &[256, 64, 16, 4],
        scaled: false,
        columns: &["million records/s", "million records/s and core", "own MB", "MB of state held"],
        drawn: 0,
    },
    Section {
        name: "queries",
        title: "Queries: filter and count by 1 thousand keys over one topic, ARROW",
        steps_of: "queries",
        steps: &[1, 100, 1000],
        scaled: false,
        columns: &[
            "million records × queries/s",
            "million records × queries/s and core",
            "own KB per query",
            "ms to create one",
            "ms to open all",
        ],
        drawn: 0,
    },
    Section {
        name: "backlog",
        title: "Backlog: count by 100 thousand keys over 50 million records, ARROW, while clients ask",
        steps_of: "clients",
        steps: &[0, 1, 4],
        scaled: false,
        columns: &["million records/s", "lookups/s", "lookup p50 ms", "lookup p99 ms", "own MB"],
        drawn: 0,
    },
    Section {
        name: "latency",
        title: "Latency: from insert to committed result, count by 1 thousand keys, JSON",
        steps_of: "records/s",
        steps: &[1_000, 10_000, 50_000, 100_000],
        scaled: false,
        columns: &["p50 ms", "p99 ms", "most ms", "cores used", "commits/s"],
        drawn: 1,
    },
    Section {
        name: "start",
        title: "Start: `millstream -c 'SELECT …'` on a directory with half as many queries as topics",
        steps_of: "topics",
        steps: &[2, 20, 100, 200],
        scaled: false,
        columns: &["ms to the answer", "slowest ms", "ms to the end"],
        drawn: 0,
    },
];

/// Where and at what size a step is measured.
#[derive(Debug, Clone, Copy)]
pub struct Size<'a> {
    /// An empty directory.
    pub dir: &'a Path,
    /// How many of the records, in percent.
    pub percent: u64,
}

impl Size<'_> {
    /// So many of these.
    pub fn of(&self, count: u64) -> u64 {
        (count * self.percent / 100).max(1)
    }
}

impl Section {
    /// The section of a name.
    pub fn named(name: &str) -> Result<&'static Section> {
        let found = SECTIONS.iter().find(|section| section.name == name);
        let names = || SECTIONS.each_ref().map(|section| section.name).join(", ");
        match found {
            Some(section) => Ok(section),
            None => bail!("expected one of {}, found {name}", names()),
        }
    }

    /// The steps at a size.
    pub fn steps(&self, percent: u64) -> Vec<u64> {
        let step = |step: &u64| if self.scaled { step * percent / 100 } else { *step };
        self.steps.iter().map(step).collect()
    }

    /// Measures a step: a figure for each column.
    pub async fn measure(&self, step: u64, size: Size<'_>) -> Result<Vec<f64>> {
        match self.name {
            "partitions" => counting::partitions(step, size).await,
            "keys" => counting::keys(step, size).await,
            "memory" => counting::memory(step, size).await,
            "queries" => queries::measure(step, size).await,
            "backlog" => backlog::measure(step, size).await,
            "latency" => latency::measure(step, size).await,
            "start" => start::measure(step, size).await,
            name => bail!("{name} cannot be measured"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All but the start, which needs the program itself.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_step_gives_a_figure_for_each_column() -> Result<()> {
        for section in SECTIONS.iter().filter(|section| section.name != "start") {
            let dir = tempfile::tempdir()?;
            let step = section.steps(1)[usize::from(section.name == "backlog")];
            let figures = section.measure(step, Size { dir: dir.path(), percent: 1 }).await?;
            assert_eq!(figures.len(), section.columns.len(), "{}", section.name);
            assert!(figures[section.drawn] > 0.0, "{}: {figures:?}", section.name);
        }
        Ok(())
    }
}
