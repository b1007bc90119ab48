//! `CREATE`, `ALTER` and `DROP`.

use super::cursor::Cursor;
use crate::ast::{Ident, SourceKind, StatementKind};
use crate::error::Error;
use crate::properties::Context;

const IF_EXISTS: &[&str] = &["IF", "EXISTS"];
const IF_NOT_EXISTS: &[&str] = &["IF", "NOT", "EXISTS"];

/// What a `CREATE` has said before the name.
struct Created {
    kind: SourceKind,
    or_replace: bool,
    source: bool,
}

impl Cursor<'_> {
    /// After `CREATE`, which stands at `start`.
    pub(super) fn create(&mut self, start: usize) -> Result<StatementKind, Error> {
        let or_replace = self.eat(&["OR", "REPLACE"]);
        if !or_replace && self.eat(&["TYPE"]) {
            return self.create_type();
        }
        if self.eat(&["SOURCE", "CONNECTOR"]) || self.eat(&["SINK", "CONNECTOR"]) {
            return Ok(self.not_supported("CREATE CONNECTOR", start));
        }
        let source = self.eat(&["SOURCE"]);
        match self.source_kind() {
            Some(kind) => self.create_source(Created { kind, or_replace, source }),
            None if or_replace || source => Err(self.expected_one_of(&["STREAM", "TABLE"])),
            None => Err(self.expected_one_of(&["STREAM", "TABLE", "TYPE", "SOURCE", "OR REPLACE"])),
        }
    }

    fn create_source(&mut self, created: Created) -> Result<StatementKind, Error> {
        let what = match created.kind {
            SourceKind::Stream => "a stream name",
            SourceKind::Table => "a table name",
        };
        let (if_not_exists, name) = self.conditional_name(IF_NOT_EXISTS, what)?;
        let columns = if self.is_symbol("(") { Some(self.columns(created.kind)?) } else { None };
        let mut properties = self.properties()?;
        if columns.is_none() && !created.source && self.eat(&["AS"]) {
            crate::properties::check(&mut properties, Context::CreateAs)?;
            return self.create_as(created, if_not_exists, name, properties);
        }
        if properties.span.is_none() {
            return Err(self.expected_after_create(columns.is_some()));
        }
        crate::properties::check(&mut properties, Context::CreateSource)?;
        let Created { kind, or_replace, source } = created;
        Ok(StatementKind::CreateSource {
            kind,
            or_replace,
            if_not_exists,
            source,
            name,
            columns,
            properties,
        })
    }

    fn create_as(
        &mut self,
        created: Created,
        if_not_exists: bool,
        name: Ident,
        properties: crate::ast::Properties,
    ) -> Result<StatementKind, Error> {
        let query = self.persistent_query()?;
        let Created { kind, or_replace, .. } = created;
        Ok(StatementKind::CreateAs { kind, or_replace, if_not_exists, name, properties, query })
    }

    fn expected_after_create(&self, has_columns: bool) -> Error {
        if has_columns {
            return self.expected_one_of(&["WITH"]);
        }
        self.expected("(, WITH or AS").with_near_miss(self.next_text(), ["WITH", "AS"])
    }

    fn create_type(&mut self) -> Result<StatementKind, Error> {
        let (if_not_exists, name) = self.conditional_name(IF_NOT_EXISTS, "a type name")?;
        self.expect(&["AS"])?;
        let data_type = self.data_type()?;
        Ok(StatementKind::CreateType { if_not_exists, name, data_type })
    }

    /// After `ALTER`, which stands at `start`.
    pub(super) fn alter(&mut self, start: usize) -> Result<StatementKind, Error> {
        if self.eat(&["SYSTEM"]) {
            return Ok(self.not_supported("ALTER SYSTEM", start));
        }
        let Some(kind) = self.source_kind() else {
            return Err(self.expected_one_of(&["STREAM", "TABLE"]));
        };
        let name = self.name("a stream or table name")?;
        let columns = self.comma_separated(|cursor| {
            cursor.expect(&["ADD"])?;
            cursor.eat(&["COLUMN"]);
            cursor.value_column()
        })?;
        Ok(StatementKind::AlterSource { kind, name, columns })
    }

    /// After `DROP`, which stands at `start`.
    pub(super) fn drop(&mut self, start: usize) -> Result<StatementKind, Error> {
        if self.eat(&["CONNECTOR"]) {
            return Ok(self.not_supported("DROP CONNECTOR", start));
        }
        if self.eat(&["TYPE"]) {
            let (if_exists, name) = self.conditional_name(IF_EXISTS, "a type name")?;
            return Ok(StatementKind::DropType { if_exists, name });
        }
        let Some(kind) = self.source_kind() else {
            return Err(self.expected_one_of(&["STREAM", "TABLE", "TYPE"]));
        };
        let (if_exists, name) = self.conditional_name(IF_EXISTS, "a stream or table name")?;
        let delete_topic = self.eat(&["DELETE"]);
        if delete_topic {
            self.expect(&["TOPIC"])?;
        }
        Ok(StatementKind::DropSource { kind, if_exists, name, delete_topic })
    }
}
