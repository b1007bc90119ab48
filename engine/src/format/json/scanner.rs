//! Walking over JSON text.
//!
//! The scanner stands on a byte and never goes back by itself. Every method that reads
//! something skips the white space before it, not behind it. It checks the grammar of all that
//! it passes and keeps nothing.

use std::fmt::Display;

use super::number::Number;
use super::string::Str;
use crate::format::mismatch::{Mismatch, Result, excerpt, quoted};

/// How deep values that no column describes may be nested.
const DEPTH_MAX: usize = 512;

/// A place in JSON text.
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, depth: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Goes back to where the scanner was before.
    pub(super) fn rewind(&mut self, position: usize) {
        self.position = position;
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.position += count;
    }

    /// The next byte that is not white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.position).copied();
        match byte {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.peek_behind_blanks(),
        }
    }

    fn peek_behind_blanks(&mut self) -> Option<u8> {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.position += self.rest().iter().take_while(|byte| blank(byte)).count();
        self.bytes.get(self.position).copied()
    }

    /// Goes past `byte` if it comes next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// Goes past `text` if it stands right here.
    #[inline]
    pub(super) fn eat_exactly(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        self.position += if found { text.len() } else { 0 };
        found
    }

    /// Goes past a comma to the next member, or past `close` and says `false`.
    #[inline]
    pub(super) fn more(&mut self, close: u8) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.position += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.position += 1;
                Ok(false)
            }
            _ => Err(self.unexpected(format_args!("',' or '{}'", char::from(close)))),
        }
    }

    /// Goes past the colon behind a name.
    #[inline]
    pub(super) fn colon(&mut self) -> Result<()> {
        if self.eat(b':') { Ok(()) } else { Err(self.unexpected("':'")) }
    }

    /// Goes past `null`, `true` or `false`.
    pub(super) fn literal(&mut self, literal: &str) -> Result<()> {
        if self.eat_exactly(literal.as_bytes()) {
            return Ok(());
        }
        Err(self.unexpected("a JSON value"))
    }

    /// Checks that nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the payload")),
        }
    }

    /// Reads the string that starts with the quote under the scanner.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Str<'a>> {
        let (string, len) = Str::scan(self.rest()).map_err(|fault| self.fault(fault))?;
        self.position += len;
        Ok(string)
    }

    /// Reads a name in front of its colon.
    pub(super) fn name(&mut self) -> Result<Str<'a>> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => Err(self.unexpected("a field name")),
        }
    }

    /// Reads the number that starts under the scanner.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number<'a>> {
        let number = Number::scan(self.rest()).map_err(|fault| self.fault(fault))?;
        self.position += number.text.len();
        Ok(number)
    }

    /// Goes past a value of any kind.
    pub(super) fn skip_value(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(b'{') => self.nested(|scanner| scanner.members(|scanner, _| scanner.skip_value())),
            Some(b'[') => self.nested(|scanner| scanner.items(|scanner, _| scanner.skip_value())),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            _ => self.literal("null"),
        }
    }

    /// Lets `read` read a value that may hold others of any depth.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == DEPTH_MAX {
            let expected = format!("at most {DEPTH_MAX} levels of nesting");
            return Err(Mismatch::expected(expected, format!("more at byte {}", self.position)));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// Reads an array, `item` each of its items.
    pub(super) fn items(
        &mut self,
        mut item: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<()> {
        self.position += 1;
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0.. {
            item(self, index)?;
            if !self.more(b']')? {
                break;
            }
        }
        Ok(())
    }

    /// Reads an object, `member` each of its values.
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, Str<'a>) -> Result<()>,
    ) -> Result<()> {
        self.position += 1;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            self.colon()?;
            member(self, name)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// The complaint that something else stands here.
    #[cold]
    pub(super) fn unexpected(&self, expected: impl Display) -> Box<Mismatch> {
        self.expected(expected, 0)
    }

    #[cold]
    fn fault(&self, fault: Fault) -> Box<Mismatch> {
        self.expected(fault.expected, fault.at)
    }

    fn expected(&self, expected: impl Display, ahead: usize) -> Box<Mismatch> {
        let at = self.position + ahead;
        let found = match self.bytes.get(at) {
            None => "the end of the payload".to_owned(),
            Some(byte) if byte.is_ascii_graphic() => format!("{:?}", char::from(*byte)),
            Some(byte) => format!("byte {byte:#04x}"),
        };
        Mismatch::expected(expected, format!("{found} at byte {at}"))
    }

    /// A word for the value under the scanner, for messages.
    #[cold]
    pub(super) fn describe(&self) -> String {
        let len = || {
            let mut ahead = Self { bytes: self.bytes, position: self.position, depth: 0 };
            ahead.skip_value().map_or(0, |()| ahead.position - self.position)
        };
        match self.rest() {
            [] => "the end of the payload".to_owned(),
            [b'{', ..] => "an object".to_owned(),
            [b'[', ..] => "an array".to_owned(),
            rest => match len() {
                0 => quoted(rest),
                len => excerpt(&rest[..len]),
            },
        }
    }
}

/// What the grammar wants, and where, counted from where the scanner stands.
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

impl Fault {
    #[cold]
    pub(super) fn new(at: usize, expected: &'static str) -> Self {
        Self { at, expected }
    }
}
