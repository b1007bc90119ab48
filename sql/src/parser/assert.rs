//! `ASSERT …`.

use super::cursor::Cursor;
use crate::ast::{Duration, SourceKind, StatementKind};
use crate::error::Error;
use crate::properties::Context;

impl Cursor<'_> {
    /// After `ASSERT`.
    pub(super) fn assert(&mut self) -> Result<StatementKind, Error> {
        if self.eat(&["VALUES"]) {
            return self.assert_values();
        }
        if self.eat(&["NULL"]) {
            return self.assert_null_values();
        }
        if let Some(kind) = self.source_kind() {
            return self.assert_source(kind);
        }
        let not_exists = self.eat(&["NOT", "EXISTS"]);
        if self.eat(&["TOPIC"]) {
            self.assert_topic(not_exists)
        } else if self.eat(&["SCHEMA"]) {
            self.assert_schema(not_exists)
        } else if not_exists {
            Err(self.expected_one_of(&["TOPIC", "SCHEMA"]))
        } else {
            let words =
                ["VALUES", "NULL VALUES", "STREAM", "TABLE", "TOPIC", "SCHEMA", "NOT EXISTS"];
            Err(self.expected_one_of(&words))
        }
    }

    fn assert_values(&mut self) -> Result<StatementKind, Error> {
        let source = self.name("a stream or table name")?;
        let columns = self.optional_names("a column name")?;
        self.expect(&["VALUES"])?;
        let values = self.row(columns.len())?;
        Ok(StatementKind::AssertValues { source, columns, values })
    }

    fn assert_null_values(&mut self) -> Result<StatementKind, Error> {
        self.expect(&["VALUES"])?;
        let source = self.name("a table name")?;
        let columns = self.optional_names("a key column")?;
        self.expect(&["KEY"])?;
        let key = self.row(columns.len())?;
        Ok(StatementKind::AssertNullValues { source, columns, key })
    }

    fn assert_source(&mut self, kind: SourceKind) -> Result<StatementKind, Error> {
        let name = self.name("a stream or table name")?;
        let columns = if self.is_symbol("(") { Some(self.columns(kind)?) } else { None };
        let mut properties = self.properties()?;
        crate::properties::check(&mut properties, Context::CreateSource)?;
        Ok(StatementKind::AssertSource { kind, name, columns, properties })
    }

    fn assert_topic(&mut self, not_exists: bool) -> Result<StatementKind, Error> {
        let topic = self.topic()?;
        let mut properties = self.properties()?;
        crate::properties::check(&mut properties, Context::AssertTopic)?;
        let timeout = self.timeout()?;
        Ok(StatementKind::AssertTopic { not_exists, topic, properties, timeout })
    }

    fn assert_schema(&mut self, not_exists: bool) -> Result<StatementKind, Error> {
        let subject = if self.eat(&["SUBJECT"]) { Some(self.verbatim("a subject")?) } else { None };
        let id = if self.eat(&["ID"]) { Some(self.unsigned("a schema id")?) } else { None };
        if subject.is_none() && id.is_none() {
            return Err(self.expected_one_of(&["SUBJECT", "ID"]));
        }
        let timeout = self.timeout()?;
        Ok(StatementKind::AssertSchema { not_exists, subject, id, timeout })
    }

    fn timeout(&mut self) -> Result<Option<Duration>, Error> {
        if self.eat(&["TIMEOUT"]) { self.duration().map(Some) } else { Ok(None) }
    }
}
