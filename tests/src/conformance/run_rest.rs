//! `rest` cases: a running engine that answers pull and push queries.
//!
//! Its threads move the data, and each statement and each record goes through all persistent
//! queries before the next one: what comes out depends on the case, not on how fast the machine is.

use anyhow::{Context, Result, bail, ensure};
use engine::{Rows, Workers};

use super::case::{Case, Response, ResponseKind, Row};
use super::compare::{self, Rules};
use super::outputs::{self, Scope};
use super::refusal::{self, Refusal};
use super::rig::{DEFAULT_PARTITIONS, QueryError, Rig};
use super::rows::{self, FoundRow};
use super::setup;
use super::verdict::{Rejected, judge_refusal};
use crate::topic::Placement;

/// Carries out a case; the refusal if the case must be refused.
pub async fn run(case: &Case) -> Result<Option<Refusal>> {
    let mut rig = Rig::open(case, Workers::Threads(1), DEFAULT_PARTITIONS).await?;
    setup::create_topics(&rig.engine, case, DEFAULT_PARTITIONS)?;
    let outcome = run_script(&mut rig, case).await;
    let answers = match (outcome, &case.expect_error) {
        (Ok(_), Some(expected)) => return judge_refusal(None, expected),
        (Err(Stop::Rejected(rejected)), Some(expected)) => {
            return judge_refusal(Some(rejected), expected);
        }
        (Err(stop), _) => return Err(stop.into()),
        (Ok(answers), None) => answers,
    };
    rig.ensure_running()?;
    if let Some(expected) = &case.outputs {
        let scope = Scope { headers: false, ..Scope::of(case) };
        outputs::compare_topics(&rig.engine, expected, scope)?;
    }
    check_responses(case, &answers)?;
    Ok(None)
}

/// The answer to one `SELECT`.
struct Answer {
    statement: usize,
    schema: String,
    types: Vec<arrow::datatypes::DataType>,
    rows: Vec<FoundRow>,
}

/// Why a script did not come to its end.
enum Stop {
    /// A statement was refused.
    Rejected(Rejected),
    /// Anything else.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Stop::Failed(error)
    }
}

impl From<Stop> for anyhow::Error {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Failed(error) => error,
            Stop::Rejected(Rejected { statement, error }) => {
                let message = refusal::describe(&error);
                anyhow::Error::from(message).context(format!("statement {statement}"))
            }
        }
    }
}

/// Statements up to the first `SELECT`, inputs, then the queries.
async fn run_script(rig: &mut Rig, case: &Case) -> Result<Vec<Answer>, Stop> {
    let is_query = |text: &String| text.trim_start().to_uppercase().starts_with("SELECT ");
    let first_query = case.statements.iter().position(is_query).unwrap_or(case.statements.len());
    for (statement, text) in case.statements.iter().take(first_query).enumerate() {
        let rejected = |error| Stop::Rejected(Rejected { statement, error });
        rig.run(text).await.map_err(rejected)?;
        settle(rig).await?;
    }
    if !case.inputs_after_subscribe {
        write_inputs(rig, case).await?;
    }
    let mut answers = Vec::new();
    for (statement, text) in case.statements.iter().enumerate().skip(first_query) {
        answers.push(ask(rig, case, statement, text).await?);
    }
    Ok(answers)
}

async fn write_inputs(rig: &Rig, case: &Case) -> Result<()> {
    for index in 0..case.inputs.len() {
        setup::write_input(&rig.engine, case, index, Placement::ByKey)?;
        settle(rig).await?;
    }
    Ok(())
}

/// Waits until every persistent query has processed everything.
async fn settle(rig: &Rig) -> Result<()> {
    rig.engine.run_until_idle().await.context("move the data")
}

async fn ask(rig: &mut Rig, case: &Case, statement: usize, text: &str) -> Result<Answer, Stop> {
    let rejected = |error| Stop::Rejected(Rejected { statement, error });
    let rows: Rows = match rig.query(text).await {
        Ok(rows) => rows,
        Err(QueryError::Refused(error)) => return Err(rejected(error)),
        Err(other) => return Err(Stop::Failed(other.into())),
    };
    if case.inputs_after_subscribe {
        write_inputs(rig, case).await?;
    }
    let schema = rows::schema_text(&rows.columns);
    let types = rows.columns.iter().map(|column| column.data_type.clone()).collect();
    let rows = rows::read(rows).await?.map_err(rejected)?;
    Ok(Answer { statement, schema, types, rows })
}

fn check_responses(case: &Case, answers: &[Answer]) -> Result<()> {
    let queries = case.responses.iter().filter(|found| found.kind == ResponseKind::Query);
    for expected in queries {
        let statement = expected.statement;
        let answer = answers.iter().find(|answer| answer.statement == statement);
        let answer = answer.with_context(|| format!("statement {statement} gave no rows"))?;
        check_answer(expected, answer, case)
            .with_context(|| format!("answer to statement {statement}"))?;
    }
    Ok(())
}

fn check_answer(expected: &Response, answer: &Answer, case: &Case) -> Result<()> {
    if let Some(schema) = &expected.schema {
        super::post::ensure_equal("schema", schema.as_str(), &answer.schema)?;
    }
    let (want, found) = (expected.rows.len(), answer.rows.len());
    ensure!(want == found, "expected {want} rows, found {found}: {}", show(&answer.rows));
    if case.ordered_rows {
        return same_list(&expected.rows, answer, case);
    }
    same_multiset(&expected.rows, answer, case)
}

fn same_list(expected: &[Row], answer: &Answer, case: &Case) -> Result<()> {
    for (index, (row, found)) in expected.iter().zip(&answer.rows).enumerate() {
        same_row(row, found, answer, case).with_context(|| format!("row {index}"))?;
    }
    Ok(())
}

/// Deletions stand at their position; the other rows may come in any order.
fn same_multiset(expected: &[Row], answer: &Answer, case: &Case) -> Result<()> {
    let mut rest: Vec<&FoundRow> = Vec::new();
    for (index, (row, found)) in expected.iter().zip(&answer.rows).enumerate() {
        if row.tombstone {
            same_row(row, found, answer, case).with_context(|| format!("row {index}"))?;
        } else {
            rest.push(found);
        }
    }
    for row in expected.iter().filter(|row| !row.tombstone) {
        let partner = rest.iter().position(|found| same_row(row, found, answer, case).is_ok());
        let Some(partner) = partner else {
            bail!("no row {}, found {}", show_row(&row.columns), show(&answer.rows));
        };
        rest.swap_remove(partner);
    }
    Ok(())
}

fn same_row(expected: &Row, found: &FoundRow, answer: &Answer, case: &Case) -> Result<()> {
    let rules = Rules { exact_numbers: case.exact_numbers(), upper_case_names: false };
    ensure!(expected.tombstone == found.tombstone, "deletion: expected {}", expected.tombstone);
    let (want, have) = (expected.columns.len(), found.columns.len());
    ensure!(want == have, "expected {want} columns, found {have}");
    let cells = expected.columns.iter().zip(&found.columns).zip(&answer.types);
    for (index, ((expected, found), data_type)) in cells.enumerate() {
        compare::value(expected, found, Some(data_type), rules)
            .map_err(|difference| difference.inside(format_args!("[{index}]")))?;
    }
    Ok(())
}

fn show(rows: &[FoundRow]) -> String {
    rows.iter().map(|row| show_row(&row.columns)).collect::<Vec<_>>().join(" ")
}

fn show_row(columns: &[serde_json::Value]) -> String {
    serde_json::Value::Array(columns.to_vec()).to_string()
}
