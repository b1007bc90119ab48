//! Our functions inside DataFusion's own plans.

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::*;

/// Two batches of (k, v, s) and all our functions.
fn session() -> SessionContext {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    for (_, function) in builtin() {
        let udaf = AggregateUdf::new(function, Settings::default());
        context.register_udaf(AggregateUDF::from(udaf));
    }
    let types = [DataType::Int32, DataType::Int32, DataType::Utf8];
    let batch = |rows: &[&str]| {
        let columns = columns(rows, &types);
        let named =
            ["k", "v", "s"].into_iter().zip(columns).map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(named).expect("a batch")
    };
    let batches = [batch(&["1:10:a", "2:5:b", "1:30:c"]), batch(&["1:20:a", "2:NULL:d"])];
    let schema = batches[0].schema();
    let table = datafusion::datasource::MemTable::try_new(schema, vec![batches.to_vec()]);
    context.register_table("t", Arc::new(table.expect("a table"))).expect("t is not taken");
    context
}

async fn query(sql: &str) -> Vec<String> {
    let rows = session().sql(sql).await.expect("the query is valid").collect().await;
    let table = pretty_format_batches(&rows.expect("the query runs")).expect("a table").to_string();
    let rows = table.lines().skip(3).filter(|line| line.starts_with('|'));
    let cells = |row: &str| row.split('|').map(str::trim).collect::<Vec<_>>().join(" ");
    rows.map(|row| cells(row).trim().to_string()).collect()
}

#[tokio::test]
async fn groups_are_aggregated() {
    let sql = "SELECT k, count(*), sum(v), topk(v, 2), topk(v, s, 1), latest_by_offset(v, false), \
               earliest_by_offset(s, 2) FROM t GROUP BY k ORDER BY k";
    let expected = [
        "1 3 60 [30, 20] [{sort_col: 30, col0: c}] 20 [a, c]",
        "2 2 5 [5] [{sort_col: 5, col0: b}]  [b, d]",
    ];
    assert_eq!(query(sql).await, expected);
}

#[tokio::test]
async fn a_whole_table_is_aggregated() {
    let sql = "SELECT avg(v), histogram(s), min(s), count(v) FROM t";
    assert_eq!(query(sql).await, ["16.25 {a: 2, b: 1, c: 1, d: 1} a 4"]);
    assert_eq!(query("SELECT sum(v), avg(v), max(v) FROM t WHERE k > 7").await, ["0 0.0"]);
}

#[tokio::test]
async fn rows_are_filtered_and_distinct() {
    let sql = "SELECT k, count(DISTINCT s), collect_list(v) FILTER (WHERE v > 10) FROM t \
               GROUP BY k ORDER BY k";
    assert_eq!(query(sql).await, ["1 2 [30, 20]", "2 2 []"]);
}

#[tokio::test]
async fn frames_slide() {
    let sql = "SELECT v, min(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) \
               FROM t WHERE v > 0 ORDER BY v";
    assert_eq!(query(sql).await, ["5 5", "10 5", "20 10", "30 20"]);
}

#[tokio::test]
async fn a_wrong_call_is_our_error() {
    let error = session().sql("SELECT sum(s) FROM t").await.expect_err("s is a string");
    let error = crate::Error::from(error).to_string();
    assert!(error.contains("function SUM does not accept parameters (STRING)"), "{error}");
}
