//! `/health`: whether the program can do its work.
//!
//! It can as long as the log takes records. A query that has stopped is told of, but is no reason to
//! start the program again: it would stop again.

use engine::Engine;
use serde_json::json;

use super::request::Answer;

/// 200 and `ok`, or 503 and why not.
pub(super) fn of(engine: &Engine, closing: bool) -> Answer {
    let queries = engine.queries();
    let count = |status: &str| queries.iter().filter(|query| query.status == status).count();
    let damaged: Vec<_> = engine
        .partitions()
        .into_iter()
        .filter_map(|info| {
            let failure = info.failure?;
            Some(json!({ "partition": info.partition.to_string(), "failure": failure }))
        })
        .collect();
    let status = match (closing, damaged.is_empty()) {
        (true, _) => "stopping",
        (false, true) => "ok",
        (false, false) => "failed",
    };
    let failed = queries.iter().filter_map(|query| {
        let failure = query.failure.as_ref()?;
        Some(json!({ "query": query.id, "failure": failure }))
    });
    let body = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "queries": {
            "running": count("RUNNING"),
            "paused": count("PAUSED"),
            "failed": failed.collect::<Vec<_>>(),
        },
        "push_queries": engine.push_queries().len(),
        "partitions_without_writes": damaged,
    });
    Answer {
        kind: "application/json",
        ..Answer::text(if status == "ok" { 200 } else { 503 }, format!("{body}\n"))
    }
}
