//! Statements that look at things, change the session, or read a topic.

use super::cursor::Cursor;
use crate::ast::{Describe, Show, StatementKind, Verbatim};
use crate::error::Error;
use crate::lexer::TokenKind;

/// What `SHOW` can be followed by.
const SHOWN: &[&str] = &[
    "STREAMS",
    "TABLES",
    "TOPICS",
    "ALL TOPICS",
    "QUERIES",
    "FUNCTIONS",
    "PROPERTIES",
    "TYPES",
    "VARIABLES",
    "COLUMNS",
    "GROUPS",
];

impl Cursor<'_> {
    /// After `SHOW` or `LIST`, which stands at `start`.
    pub(super) fn show(&mut self, start: usize) -> Result<StatementKind, Error> {
        if self.is_connectors() {
            self.advance();
            return Ok(self.not_supported("SHOW CONNECTORS", start));
        }
        let shown = if self.eat(&["STREAMS"]) {
            Show::Streams { extended: self.extended() }
        } else if self.eat(&["TABLES"]) {
            Show::Tables { extended: self.extended() }
        } else if self.eat(&["ALL", "TOPICS"]) {
            Show::Topics { all: true, extended: self.extended() }
        } else if self.eat(&["TOPICS"]) {
            Show::Topics { all: false, extended: self.extended() }
        } else if self.eat(&["QUERIES"]) {
            Show::Queries { extended: self.extended() }
        } else {
            self.show_list()?
        };
        Ok(StatementKind::Show(shown))
    }

    /// The things that are listed without options.
    fn show_list(&mut self) -> Result<Show, Error> {
        if self.eat(&["COLUMNS"]) {
            return self.show_columns();
        }
        if self.eat(&["CONSUMER"]) {
            self.expect(&["GROUPS"])?;
            return Ok(Show::Groups);
        }
        for (word, shown) in [
            ("FUNCTIONS", Show::Functions),
            ("PROPERTIES", Show::Properties),
            ("TYPES", Show::Types),
            ("VARIABLES", Show::Variables),
            ("GROUPS", Show::Groups),
        ] {
            if self.eat(&[word]) {
                return Ok(shown);
            }
        }
        Err(self.expected_one_of(SHOWN))
    }

    fn show_columns(&mut self) -> Result<Show, Error> {
        if !self.eat(&["FROM"]) && !self.eat(&["IN"]) {
            return Err(self.expected_one_of(&["FROM", "IN"]));
        }
        Ok(Show::Columns { source: self.name("a stream or table name")? })
    }

    fn is_connectors(&self) -> bool {
        let connectors: [&[&str]; 4] = [
            &["CONNECTORS"],
            &["SOURCE", "CONNECTORS"],
            &["SINK", "CONNECTORS"],
            &["CONNECTOR", "PLUGINS"],
        ];
        connectors.iter().any(|words| self.is_at(words))
    }

    fn extended(&mut self) -> bool {
        self.eat(&["EXTENDED"])
    }

    /// After `DESCRIBE`, which stands at `start`.
    pub(super) fn describe(&mut self, start: usize) -> Result<StatementKind, Error> {
        if self.is_at(&["CONNECTOR"]) && self.is_name_at(1) && !self.is_word_at(1, "EXTENDED") {
            self.advance();
            return Ok(self.not_supported("DESCRIBE CONNECTOR", start));
        }
        let described = if self.is_at(&["FUNCTION"]) && self.is_name_at(1) {
            self.advance();
            Describe::Function { name: self.name("a function name")? }
        } else if self.eat(&["STREAMS"]) {
            Describe::Streams { extended: self.extended() }
        } else if self.eat(&["TABLES"]) {
            Describe::Tables { extended: self.extended() }
        } else {
            let name = self.name("a stream or table name, FUNCTION, STREAMS or TABLES")?;
            Describe::Source { name, extended: self.extended() }
        };
        Ok(StatementKind::Describe(described))
    }

    /// After `SET`.
    pub(super) fn set(&mut self) -> Result<StatementKind, Error> {
        let name = self.placed(Self::session_property)?;
        if !self.eat_symbol("=") && !self.eat(&["TO"]) {
            return Err(self.expected("= or TO"));
        }
        let value = self.placed(Self::setting)?;
        Ok(StatementKind::Set { name, value })
    }

    /// After `UNSET`.
    pub(super) fn unset(&mut self) -> Result<StatementKind, Error> {
        Ok(StatementKind::Unset { name: self.placed(Self::session_property)? })
    }

    /// `'name'`, or words between points.
    fn session_property(&mut self) -> Result<String, Error> {
        if self.is_kind(TokenKind::String) {
            return self.string("a property name");
        }
        let mut name = self.verbatim("a property name")?;
        while self.eat_symbol(".") {
            name.push('.');
            name.push_str(&self.verbatim("a property name")?);
        }
        Ok(name)
    }

    /// `'value'`, a number with or without sign, or a word.
    fn setting(&mut self) -> Result<String, Error> {
        if self.is_kind(TokenKind::String) {
            return self.string("a value");
        }
        let start = self.position();
        self.eat_symbol("-");
        if !self.is_kind(TokenKind::Number) && !self.is_kind(TokenKind::Word) {
            return Err(self.expected("a value"));
        }
        self.advance();
        Ok(self.text_from(start).to_owned())
    }

    /// After `DEFINE`.
    pub(super) fn define(&mut self) -> Result<StatementKind, Error> {
        let name = self.name("a variable name")?;
        self.expect_symbol("=")?;
        Ok(StatementKind::Define { name, value: self.string("a value")? })
    }

    /// After `PRINT`.
    pub(super) fn print(&mut self) -> Result<StatementKind, Error> {
        let topic = self.topic()?;
        let from_beginning = self.eat(&["FROM"]);
        if from_beginning {
            self.expect(&["BEGINNING"])?;
        }
        let interval = if self.eat(&["INTERVAL"]) || self.eat(&["SAMPLE"]) {
            Some(self.unsigned("a number of records")?)
        } else {
            None
        };
        let limit =
            if self.eat(&["LIMIT"]) { Some(self.unsigned("a number of records")?) } else { None };
        Ok(StatementKind::Print { topic, from_beginning, interval, limit })
    }

    /// The name of a topic, which does not fold.
    pub(super) fn topic(&mut self) -> Result<Verbatim, Error> {
        self.placed(|cursor| cursor.verbatim("a topic name"))
    }

    /// A text with its place.
    fn placed(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<String, Error>,
    ) -> Result<Verbatim, Error> {
        let start = self.position();
        let value = read(self)?;
        Ok(Verbatim { value, span: self.span_from(start) })
    }

    /// A string, or a name whose case stays as it is typed.
    pub(super) fn verbatim(&mut self, what: &str) -> Result<String, Error> {
        if self.is_kind(TokenKind::String) {
            return self.string(what);
        }
        let typed = self.next_text();
        let is_word = self.is_kind(TokenKind::Word);
        let name = self.name(what)?;
        Ok(if is_word { typed.to_owned() } else { name.value })
    }

    /// After `RUN`.
    pub(super) fn run_script(&mut self) -> Result<StatementKind, Error> {
        self.expect(&["SCRIPT"])?;
        Ok(StatementKind::RunScript { path: self.string("a path")? })
    }

    /// After `BACKUP`.
    pub(super) fn backup(&mut self) -> Result<StatementKind, Error> {
        self.expect(&["TO"])?;
        Ok(StatementKind::Backup { path: self.string("the path of a directory")? })
    }

    /// After `EXPORT`.
    pub(super) fn export(&mut self) -> Result<StatementKind, Error> {
        self.expect(&["CATALOG"])?;
        Ok(StatementKind::ExportCatalog)
    }
}
