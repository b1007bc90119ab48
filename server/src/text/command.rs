//! Statements that concern the connection and not the engine: transactions, settings, cursors,
//! COPY, DISCARD.
//!
//! They are parsed from tokens by a few lines each. A statement that does not begin as one of them
//! (or names a setting that is not Postgres's) is none, and goes on to the engine.

use std::ops::Range;

use super::copy::Copy;
use super::names;
use super::scan::{Token, TokenKind, scan, unquote};
use super::user::UserCommand;
use crate::client::settings::Settings;
use crate::failure::{Failure, sqlstate};

/// A statement about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// `BEGIN` or `START TRANSACTION`.
    Begin,
    /// `COMMIT` or `END`.
    Commit,
    /// `ROLLBACK` or `ABORT`.
    Rollback,
    /// `SAVEPOINT name`.
    Savepoint { name: String },
    /// `RELEASE name`.
    Release { name: String },
    /// `ROLLBACK TO name`.
    RollbackTo { name: String },
    /// `SET name = value`; no value is `DEFAULT`.
    Set { name: String, value: Option<String> },
    /// Accepted, and without effect: `SET TRANSACTION …`.
    SetTransaction,
    /// `RESET name`, or `RESET ALL`.
    Reset { name: Option<String> },
    /// `SHOW name`.
    Show { name: String },
    /// `SHOW ALL`.
    ShowAll,
    /// `DISCARD ALL|PLANS|SEQUENCES|TEMP`; whether it was `ALL`.
    Discard { all: bool },
    /// `DEALLOCATE name`, or `DEALLOCATE ALL`.
    Deallocate { name: Option<String> },
    /// `DECLARE name CURSOR FOR query`, with the query's place in the statement.
    Declare { cursor: String, query: Range<usize> },
    /// `FETCH count FROM name`; no count is `ALL`.
    Fetch { cursor: String, count: Option<usize> },
    /// `CLOSE name`, or `CLOSE ALL`.
    Close { cursor: Option<String> },
    /// `COPY …`.
    Copy(Copy),
    /// `CREATE USER …` and its kin.
    User(UserCommand),
}

impl Command {
    /// Whether it runs after a statement of the transaction has failed, because it ends that.
    pub fn ends_failure(&self) -> bool {
        matches!(self, Command::Commit | Command::Rollback | Command::RollbackTo { .. })
    }
}

/// The command that `statement` is; `None` if it is none.
pub(crate) fn parse(statement: &str) -> Result<Option<Command>, Failure> {
    let mut words = Words::new(statement);
    let Some(first) = words.keyword() else { return Ok(None) };
    Ok(match first.as_str() {
        "BEGIN" => Some(Command::Begin),
        "START" => words.eat("TRANSACTION").then_some(Command::Begin),
        "COMMIT" | "END" => Some(Command::Commit),
        "ROLLBACK" | "ABORT" => Some(rollback(words)?),
        "SAVEPOINT" => Some(Command::Savepoint { name: words.expect_name(SAVEPOINT)? }),
        "RELEASE" => Some(Command::Release { name: savepoint(words)? }),
        "SET" => set(words),
        "RESET" => reset(words),
        "SHOW" => show(words),
        "DISCARD" => Some(Command::Discard { all: words.eat("ALL") }),
        "DEALLOCATE" => Some(deallocate(words)?),
        "DECLARE" => Some(declare(words)?),
        "FETCH" => Some(fetch(words)?),
        "CLOSE" => Some(Command::Close { cursor: words.name_or_all()? }),
        "CREATE" | "ALTER" | "DROP" => super::user::parse(&first, words)?.map(Command::User),
        "COPY" => Some(Command::Copy(super::copy::parse(words)?)),
        _ => None,
    })
}

const SAVEPOINT: &str = "the name of a savepoint";

fn rollback(mut words: Words<'_>) -> Result<Command, Failure> {
    if !words.eat("WORK") {
        words.eat("TRANSACTION");
    }
    match words.eat("TO") {
        true => Ok(Command::RollbackTo { name: savepoint(words)? }),
        false => Ok(Command::Rollback),
    }
}

fn savepoint(mut words: Words<'_>) -> Result<String, Failure> {
    words.eat("SAVEPOINT");
    words.expect_name(SAVEPOINT)
}

fn set(mut words: Words<'_>) -> Option<Command> {
    let scoped = words.eat("SESSION") || words.eat("LOCAL");
    if words.eat("TRANSACTION") || (scoped && words.eat("CHARACTERISTICS")) {
        return Some(Command::SetTransaction);
    }
    let name = setting_name(&mut words)?;
    let value = words.values();
    Some(Command::Set { name, value: (!value.eq_ignore_ascii_case("default")).then_some(value) })
}

/// The name of a Postgres setting and the `=` or `TO` behind it.
fn setting_name(words: &mut Words<'_>) -> Option<String> {
    if words.eat("TIME") {
        return words.eat("ZONE").then(|| "TimeZone".to_owned());
    }
    if words.eat("NAMES") {
        return Some("client_encoding".to_owned());
    }
    let name = words.name()?;
    let follows = words.eat_symbol("=") || words.eat("TO");
    (follows && Settings::is_known(&name)).then_some(name)
}

fn reset(mut words: Words<'_>) -> Option<Command> {
    if words.eat("ALL") {
        return Some(Command::Reset { name: None });
    }
    let name = words.name()?;
    Settings::is_known(&name).then_some(Command::Reset { name: Some(name) })
}

fn show(mut words: Words<'_>) -> Option<Command> {
    if words.eat("ALL") {
        return words.at_end().then_some(Command::ShowAll);
    }
    let name = if words.eat("TIME") && words.eat("ZONE") {
        "TimeZone".to_owned()
    } else if words.eat("TRANSACTION") && words.eat("ISOLATION") && words.eat("LEVEL") {
        "transaction_isolation".to_owned()
    } else {
        words.name()?
    };
    (Settings::is_known(&name) && words.at_end()).then_some(Command::Show { name })
}

fn deallocate(mut words: Words<'_>) -> Result<Command, Failure> {
    words.eat("PREPARE");
    Ok(Command::Deallocate { name: words.name_or_all()? })
}

fn declare(mut words: Words<'_>) -> Result<Command, Failure> {
    let cursor = words.expect_name("the name of a cursor")?;
    while !words.eat("CURSOR") {
        // BINARY, INSENSITIVE, NO SCROLL and their like change nothing here.
        if words.keyword().is_none() {
            return Err(words.expected("CURSOR"));
        }
    }
    if words.eat("WITH") || words.eat("WITHOUT") {
        words.eat("HOLD");
    }
    if !words.eat("FOR") {
        return Err(words.expected("FOR"));
    }
    Ok(Command::Declare { cursor, query: words.rest() })
}

fn fetch(mut words: Words<'_>) -> Result<Command, Failure> {
    let count = fetch_count(&mut words)?;
    if !words.eat("FROM") {
        words.eat("IN");
    }
    Ok(Command::Fetch { cursor: words.expect_name("the name of a cursor")?, count })
}

fn fetch_count(words: &mut Words<'_>) -> Result<Option<usize>, Failure> {
    if words.eat("ALL") {
        return Ok(None);
    }
    let forward = words.eat("FORWARD");
    if forward && words.eat("ALL") {
        return Ok(None);
    }
    if ["BACKWARD", "PRIOR", "FIRST", "LAST", "ABSOLUTE", "RELATIVE"]
        .iter()
        .any(|word| words.peek_is(word))
    {
        let message = "a cursor only goes forward";
        return Err(Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message).at(words.position()));
    }
    if !forward {
        words.eat("NEXT");
    }
    Ok(Some(words.number().unwrap_or(1)))
}

/// Reads a statement token by token.
pub(super) struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, tokens: scan(text), next: 0 }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn peek_text(&self) -> &'a str {
        self.peek().map_or("", |token| token.text(self.text))
    }

    fn peek_is(&self, keyword: &str) -> bool {
        self.peek().is_some_and(|token| token.kind == TokenKind::Word)
            && self.peek_text().eq_ignore_ascii_case(keyword)
    }

    /// Whether nothing is left.
    pub fn at_end(&self) -> bool {
        self.peek().is_none()
    }

    /// The byte of the statement where the next token stands.
    pub fn position(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.range.start)
    }

    /// Takes the next word, in upper case.
    pub fn keyword(&mut self) -> Option<String> {
        let word = self.peek().filter(|token| token.kind == TokenKind::Word)?;
        let word = word.text(self.text).to_ascii_uppercase();
        self.next += 1;
        Some(word)
    }

    /// Takes the next word if it is `keyword`.
    pub fn eat(&mut self, keyword: &str) -> bool {
        let found = self.peek_is(keyword);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is `symbol`.
    pub fn eat_symbol(&mut self, symbol: &str) -> bool {
        let is_symbol = self.peek().is_some_and(|token| token.kind == TokenKind::Symbol);
        let found = is_symbol && self.peek_text() == symbol;
        self.next += usize::from(found);
        found
    }

    /// Takes a name as Postgres reads it: unquoted ones in lower case.
    pub fn name(&mut self) -> Option<String> {
        let token = self.peek()?;
        let name = match token.kind {
            TokenKind::Word => token.text(self.text).to_ascii_lowercase(),
            TokenKind::QuotedName => unquote(token.text(self.text)),
            _ => return None,
        };
        self.next += 1;
        Some(name)
    }

    /// Takes a name as the dialect reads it: the edge's folding undone.
    pub fn dialect_name(&mut self) -> Option<String> {
        let back_ticked = self.peek_text().starts_with('`');
        let name = self.name()?;
        Some(if back_ticked { name } else { names::inside(&name).into_owned() })
    }

    /// A name, or an error that says what it should name.
    pub fn expect_name(&mut self, what: &str) -> Result<String, Failure> {
        self.name().ok_or_else(|| self.expected(what))
    }

    fn name_or_all(&mut self) -> Result<Option<String>, Failure> {
        match self.eat("ALL") {
            true => Ok(None),
            false => self.expect_name("a name or ALL").map(Some),
        }
    }

    /// Takes a whole number.
    pub fn number(&mut self) -> Option<usize> {
        let number = self.peek_text().parse().ok()?;
        self.next += 1;
        Some(number)
    }

    /// Takes a text in single quotes.
    pub fn string(&mut self) -> Option<String> {
        let token = self.peek().filter(|token| token.kind == TokenKind::String)?;
        let text = unquote(token.text(self.text));
        self.next += 1;
        Some(text)
    }

    /// Takes everything up to the parenthesis that closes the one just taken.
    pub fn until_closed(&mut self) -> Result<Range<usize>, Failure> {
        let start = self.position();
        let mut depth = 1;
        while let Some(token) = self.peek() {
            match token.text(self.text) {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            let end = token.range.start;
            self.next += 1;
            if depth == 0 {
                return Ok(start..end);
            }
        }
        Err(self.expected(")"))
    }

    /// Everything that is left: values without quotes, joined as `SHOW` shows them.
    fn values(&mut self) -> String {
        let mut value = String::new();
        while let Some(token) = self.peek() {
            let text = token.text(self.text);
            match token.kind {
                TokenKind::String | TokenKind::QuotedName => value.push_str(&unquote(text)),
                _ if text == "," => value.push_str(", "),
                _ => value.push_str(text),
            }
            self.next += 1;
        }
        value
    }

    fn rest(&self) -> Range<usize> {
        self.position()..self.text.len()
    }

    /// The error that something else should have stood here.
    pub fn expected(&self, what: &str) -> Failure {
        let found = if self.at_end() { "the end of the statement" } else { self.peek_text() };
        let message = format!("expected {what}, found {found}");
        Failure::new(sqlstate::SYNTAX_ERROR, message).at(self.position())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Option<Command> {
        parse(text).unwrap()
    }

    fn set_to(name: &str, value: &str) -> Option<Command> {
        Some(Command::Set { name: name.into(), value: Some(value.into()) })
    }

    #[test]
    fn settings_of_postgres_are_ours_and_others_are_not() {
        assert_eq!(command("SET DateStyle = ISO, DMY"), set_to("datestyle", "ISO, DMY"));
        assert_eq!(command("set session timezone to 'UTC'"), set_to("timezone", "UTC"));
        assert_eq!(command("SET NAMES 'utf8'"), set_to("client_encoding", "utf8"));
        assert_eq!(command("SET extra_float_digits = -1"), set_to("extra_float_digits", "-1"));
        assert_eq!(command("SET 'auto.offset.reset' = 'earliest'"), None);
        assert_eq!(command("SHOW STREAMS"), None);
        assert_eq!(command("SHOW ALL TOPICS"), None);
        assert_eq!(command("SHOW ALL"), Some(Command::ShowAll));
        let level = Command::Show { name: "transaction_isolation".into() };
        assert_eq!(command("show transaction isolation level"), Some(level));
    }

    #[test]
    fn cursors() {
        let text = "DECLARE c NO SCROLL CURSOR FOR SELECT * FROM s EMIT CHANGES";
        let Some(Command::Declare { cursor, query }) = command(text) else { panic!() };
        assert_eq!((cursor.as_str(), &text[query]), ("c", "SELECT * FROM s EMIT CHANGES"));
        let fetch = |count| Some(Command::Fetch { cursor: "c".into(), count });
        assert_eq!(command("FETCH c"), fetch(Some(1)));
        assert_eq!(command("FETCH FORWARD 10 FROM c"), fetch(Some(10)));
        assert_eq!(command("FETCH ALL IN c"), fetch(None));
        assert_eq!(command("CLOSE ALL"), Some(Command::Close { cursor: None }));
        assert!(parse("FETCH PRIOR FROM c").is_err());
        assert!(parse("DECLARE c").is_err());
    }

    #[test]
    fn transactions() {
        assert_eq!(command("begin read only"), Some(Command::Begin));
        assert_eq!(command("START TRANSACTION"), Some(Command::Begin));
        assert_eq!(command("END"), Some(Command::Commit));
        assert_eq!(command("ABORT"), Some(Command::Rollback));
        let name = || "a".to_owned();
        assert_eq!(command("SAVEPOINT a"), Some(Command::Savepoint { name: name() }));
        assert_eq!(command("RELEASE SAVEPOINT a"), Some(Command::Release { name: name() }));
        assert_eq!(command("RELEASE \"a\""), Some(Command::Release { name: name() }));
        assert_eq!(command("ROLLBACK WORK TO A"), Some(Command::RollbackTo { name: name() }));
        assert!(parse("ROLLBACK TO").is_err());
        assert_eq!(command("SELECT 1"), None);
    }
}
