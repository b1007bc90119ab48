//! What commands print.

use anyhow::{Result, anyhow};
use engine::{Engine, Outcome, TopicRecord};
use serde_json::Value;
use sql::ast::Span;

use super::time;
use crate::conformance::case::{Window, WindowShape, text_of};
use crate::conformance::layout::{Layout, Side};
use crate::conformance::{decode, rows};

/// The outcome of a statement.
pub async fn outcome(outcome: Outcome, text: &str) -> Result<Vec<String>> {
    match outcome {
        Outcome::Done(done) => {
            let warnings = done.warnings.iter().map(|warning| format!("warning: {warning}"));
            Ok(std::iter::once(done.message.clone())
                .chain(warnings)
                .flat_map(|l| lines(&l))
                .collect())
        }
        Outcome::Rows(found) => {
            let header: Vec<_> = found.columns.iter().map(|column| column.name.clone()).collect();
            // Only the rows of a pull query that does not sort them have no order.
            let sorted = text.to_uppercase().contains("ORDER BY");
            let ordered = found.endless || found.tag != "SELECT" || sorted;
            match rows::read(found).await? {
                Ok(rows) => Ok(table(header, rows, ordered)),
                Err(refused) => Ok(error(&refused, text)),
            }
        }
    }
}

/// Rows as aligned columns; deletions are marked by a minus.
fn table(header: Vec<String>, rows: Vec<rows::FoundRow>, ordered: bool) -> Vec<String> {
    let mut cells: Vec<Vec<String>> = rows.into_iter().map(cells).collect();
    if !ordered {
        cells.sort();
    }
    if cells.is_empty() {
        return vec![header.join(" | "), "(no rows)".to_owned()];
    }
    cells.insert(0, header);
    let columns = cells.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = cells.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    cells.iter().map(|row| aligned(row, &widths)).collect()
}

fn cells(row: rows::FoundRow) -> Vec<String> {
    let mut cells: Vec<String> = row.columns.iter().map(cell).collect();
    if let Some(first) = cells.first_mut().filter(|_| row.tombstone) {
        first.insert_str(0, "- ");
    }
    cells
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        other => text_of(other).replace('\n', "\\n"),
    }
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
    cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
}

/// A refusal: message, line and caret, way out.
pub fn error(error: &engine::Error, text: &str) -> Vec<String> {
    match error {
        engine::Error::Syntax(error) => lines(&error.render(text)),
        engine::Error::Invalid(diagnostic) => {
            let mut shown = vec![format!("error: {}", diagnostic.message)];
            shown.extend(diagnostic.span.into_iter().flat_map(|span| caret(text, span)));
            shown.extend(diagnostic.hint.iter().map(|hint| format!("  hint: {hint}")));
            shown.iter().flat_map(|line| lines(line)).collect()
        }
        other => lines(&format!("error: {other}")),
    }
}

/// The line that a span begins in, with a caret under every character of the span there.
fn caret(text: &str, span: Span) -> Vec<String> {
    let (number, column) = (span.start.line as usize, span.start.column as usize);
    let line = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
    let indent = column.saturating_sub(1);
    let rest = line.chars().count().saturating_sub(indent).max(1);
    let spanned = match span.end.line == span.start.line {
        true => (span.end.column.saturating_sub(span.start.column)) as usize,
        false => rest,
    };
    let carets = format!("{}{}", " ".repeat(indent), "^".repeat(spanned.clamp(1, rest)));
    let place = format!("  line {number}, column {column}");
    vec![place, format!("    {line}"), format!("    {carets}")]
}

/// Lines without empty ones, which end the output of a step.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The records of a topic, as the stream or table on it decodes them; as text if there is none.
pub fn records(
    engine: &Engine,
    topic: &str,
    partitions: &[Vec<TopicRecord>],
) -> Result<Vec<String>> {
    let declared = engine.sources().iter().any(|source| source.topic == topic);
    let layout = if declared { Some(Layout::of_topic(engine, topic)?) } else { None };
    partitions.iter().flatten().map(|record| show_record(record, layout.as_ref())).collect()
}

fn show_record(record: &TopicRecord, layout: Option<&Layout>) -> Result<String> {
    let (key, window) = match (record.key.as_deref(), layout.and_then(|layout| layout.window)) {
        (Some(key), Some(window)) => {
            let (key, window) = decode::split_window(key, window)?;
            (Some(key), show_window(window))
        }
        (key, _) => (key, String::new()),
    };
    let key = show_payload(key, layout.map(|layout| &layout.key));
    let value = show_payload(record.value.as_deref(), layout.map(|layout| &layout.value));
    let headers: String = record.headers.iter().map(show_header).collect();
    let at = time::show(record.timestamp);
    Ok(format!("key={key}{window}{headers} value={value} @{at}"))
}

fn show_window(window: Window) -> String {
    let close = if window.shape == WindowShape::Session { ']' } else { ')' };
    format!(" [{},{}{close}", time::show(window.start), time::show(window.end))
}

fn show_header((name, value): &(String, Option<Vec<u8>>)) -> String {
    format!(" header:{name}={}", show_payload(value.as_deref(), None))
}

fn show_payload(bytes: Option<&[u8]>, side: Option<&Side>) -> String {
    let Some(bytes) = bytes else { return "(none)".to_owned() };
    let decoded = side.map(|side| decode::payload(Some(bytes), side));
    match decoded.unwrap_or_else(|| Err(anyhow!("no format"))) {
        Ok(value) => cell(&value),
        Err(_) => String::from_utf8_lossy(bytes).escape_debug().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::rows::FoundRow;

    fn row(columns: &[Value], tombstone: bool) -> FoundRow {
        FoundRow { columns: columns.to_vec(), tombstone }
    }

    #[test]
    fn tables_are_aligned_and_sorted_where_they_have_no_order() {
        let rows =
            vec![row(&["b".into(), 10.into()], false), row(&["a".into(), Value::Null], true)];
        let header = vec!["NAME".to_owned(), "N".to_owned()];
        let ordered = table(header.clone(), rows.clone(), true);
        assert_eq!(ordered, ["NAME | N", "b    | 10", "- a  | NULL"]);
        assert_eq!(table(header.clone(), rows, false)[1], "- a  | NULL");
        assert_eq!(table(header, vec![], false), ["NAME | N", "(no rows)"]);
    }

    #[test]
    fn carets_stand_under_the_span() {
        let text = "SELECT *\nFROM clcks;";
        let place = |column| sql::ast::Location { line: 2, column };
        assert_eq!(
            caret(text, Span { start: place(6), end: place(11) }),
            ["  line 2, column 6", "    FROM clcks;", "         ^^^^^"]
        );
    }

    #[test]
    fn records_without_declaration_are_text() -> Result<()> {
        let record = TopicRecord {
            key: Some(b"k".to_vec()),
            value: None,
            timestamp: 2_000,
            headers: vec![("h".into(), Some(b"x\n".to_vec()))],
        };
        assert_eq!(show_record(&record, None)?, "key=k header:h=x\\n value=(none) @2s");
        Ok(())
    }
}
