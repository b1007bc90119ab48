//! `/metrics`: what is measured.
//!
//! Push queries come and go with their clients and are only counted: a label per query would make
//! a series of each.

use std::collections::BTreeMap;

use engine::{Engine, PartitionInfo, QueryInfo};

use super::exposition::{Exposition, Kind};

/// Everything as of now.
pub(super) fn of(engine: &Engine) -> String {
    let mut out = Exposition::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    out.family("millstream_build_info", Kind::Gauge, "The version, as a label.").add(&version, 1.0);
    let (persistent, push) = (engine.queries(), engine.push_queries());
    counts(&mut out, &persistent, &push);
    for measure in MEASURES {
        let mut family = out.family(measure.name, measure.kind, measure.help);
        for query in &persistent {
            if let Some(value) = (measure.value)(query) {
                family.add(&[("query", query.id.as_str())], value);
            }
        }
    }
    partitions(&mut out, &engine.partitions());
    groups(&mut out, engine);
    connections(&mut out, engine);
    process(&mut out);
    out.finish()
}

/// What is measured of a persistent query.
struct Measure {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&QueryInfo) -> Option<f64>,
}

const MEASURES: &[Measure] = &[
    Measure {
        name: "millstream_query_running",
        kind: Kind::Gauge,
        help: "1 where the query takes its turns, 0 where it is paused or has stopped.",
        value: |query| Some(f64::from(u8::from(query.status == "RUNNING"))),
    },
    Measure {
        name: "millstream_query_records_read_total",
        kind: Kind::Counter,
        help: "Records that the query has read.",
        value: |query| Some(query.records_in as f64),
    },
    Measure {
        name: "millstream_query_records_written_total",
        kind: Kind::Counter,
        help: "Records that the query has written.",
        value: |query| Some(query.records_out as f64),
    },
    Measure {
        name: "millstream_query_errors_total",
        kind: Kind::Counter,
        help: "Records that did not decode, and rows that an expression failed on.",
        value: |query| Some(query.errors as f64),
    },
    Measure {
        name: "millstream_query_late_records_total",
        kind: Kind::Counter,
        help: "Records that came after their window had closed.",
        value: |query| Some(query.late as f64),
    },
    Measure {
        name: "millstream_query_commits_total",
        kind: Kind::Counter,
        help: "Commits of the query.",
        value: |query| Some(query.commits as f64),
    },
    Measure {
        name: "millstream_query_last_commit_timestamp_seconds",
        kind: Kind::Gauge,
        help: "Time of the last commit since the program was started, in seconds since 1970.",
        value: |query| Some(query.last_commit_ms? as f64 / 1000.0),
    },
    Measure {
        name: "millstream_query_lag_records",
        kind: Kind::Gauge,
        help: "Records that the query has not read yet.",
        value: |query| Some(query.lag as f64),
    },
    Measure {
        name: "millstream_query_lag_bytes",
        kind: Kind::Gauge,
        help: "Bytes of the log that the query has not read yet.",
        value: |query| Some(query.lag_bytes as f64),
    },
    Measure {
        name: "millstream_query_lag_seconds",
        kind: Kind::Gauge,
        help: "Age of the record that the query reads next, by its own time; 0 where there is none.",
        value: |query| Some(query.lag_ms as f64 / 1000.0),
    },
    Measure {
        name: "millstream_query_state_memory_bytes",
        kind: Kind::Gauge,
        help: "Bytes of memory that the state of the query holds.",
        value: |query| Some(query.memory as f64),
    },
];

fn counts(out: &mut Exposition, persistent: &[QueryInfo], push: &[QueryInfo]) {
    let help = "Queries by kind and status.";
    let mut family = out.family("millstream_queries", Kind::Gauge, help);
    for (kind, queries) in [("persistent", persistent), ("push", push)] {
        for status in ["RUNNING", "PAUSED", "ERROR"] {
            let count = queries.iter().filter(|query| query.status == status).count();
            let status = status.to_lowercase();
            family.add(&[("kind", kind), ("status", status.as_str())], count as f64);
        }
    }
}

/// What is measured of a partition.
type OfPartition = (&'static str, &'static str, fn(&PartitionInfo) -> f64);

const OF_PARTITION: [OfPartition; 5] = [
    ("millstream_partition_start_offset", "The first offset that can be read.", |p| p.start as f64),
    ("millstream_partition_end_offset", "The offset after the last record.", |p| p.end as f64),
    (
        "millstream_partition_durable_offset",
        "The offset after the last record that survives a loss of power.",
        |p| p.durable as f64,
    ),
    ("millstream_partition_bytes", "Bytes of the segments.", |p| p.bytes as f64),
    ("millstream_partition_open_transactions", "Transactions that are not decided.", |p| {
        p.open_transactions as f64
    }),
];

fn partitions(out: &mut Exposition, partitions: &[PartitionInfo]) {
    for (name, help, value) in OF_PARTITION {
        let mut family = out.family(name, Kind::Gauge, help);
        for info in partitions {
            let number = info.partition.partition.0.to_string();
            let labels = [("topic", &*info.partition.topic), ("partition", number.as_str())];
            family.add(&labels, value(info));
        }
    }
}

fn groups(out: &mut Exposition, engine: &Engine) {
    let help = "Records that a consumer group has not read yet.";
    let mut family = out.family("millstream_group_lag_records", Kind::Gauge, help);
    // A group that cannot be read is left out; the log tells why where somebody asks for it.
    for (group, lag) in engine.groups().unwrap_or_default() {
        let number = lag.partition.partition.0.to_string();
        let topic = &*lag.partition.topic;
        let labels = [("group", group.as_str()), ("topic", topic), ("partition", number.as_str())];
        family.add(&labels, lag.behind as f64);
    }
}

fn connections(out: &mut Exposition, engine: &Engine) {
    let mut by_state = BTreeMap::from([("active", 0), ("idle", 0)]);
    for connection in engine.connections() {
        *by_state.entry(connection.state).or_insert(0) += 1;
    }
    let help = "Clients by what they do, as pg_stat_activity has it.";
    let mut family = out.family("millstream_connections", Kind::Gauge, help);
    for (state, count) in by_state {
        family.add(&[("state", state)], f64::from(count));
    }
}

/// What the system says of this process, where it has a `/proc`.
fn process(out: &mut Exposition) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line?.split_whitespace().next()?.parse::<f64>().ok()
    };
    if let Some(kilobytes) = number("VmRSS") {
        let help = "Bytes of memory that the process holds.";
        let bytes = kilobytes * 1024.0;
        out.family("process_resident_memory_bytes", Kind::Gauge, help).add(&[], bytes);
    }
    if let Some(threads) = number("Threads") {
        out.family("process_threads", Kind::Gauge, "Threads of the process.").add(&[], threads);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let help = "Files and sockets that the process has open.";
        out.family("process_open_fds", Kind::Gauge, help).add(&[], files.count() as f64);
    }
}
