//! `WINDOW`, `WITHIN` and durations.

use super::cursor::Cursor;
use crate::ast::{Duration, TimeUnit, Window, WindowShape, Within};
use crate::error::{Error, ErrorCode};

const UNITS: &[&str] = &[
    "DAYS",
    "HOURS",
    "MINUTES",
    "SECONDS",
    "MILLISECONDS",
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
];

impl Cursor<'_> {
    /// After `WINDOW`, which stands at `start`.
    pub(super) fn window(&mut self, start: usize) -> Result<Window, Error> {
        // ksqlDB lets a window have a name, which nothing can refer to.
        if self.is_name() && !self.is_window_kind(0) && self.is_window_kind(1) {
            self.advance();
        }
        let kind = self.next_text().to_uppercase();
        if !self.is_window_kind(0) {
            return Err(self.expected_one_of(&["TUMBLING", "HOPPING", "SESSION"]));
        }
        self.advance();
        self.expect_symbol("(")?;
        let shape = self.window_shape(&kind)?;
        let retention = self.window_option(&["RETENTION"])?;
        let grace = self.window_option(&["GRACE", "PERIOD"])?;
        if !self.eat_symbol(")") {
            return Err(self.expected(", or )"));
        }
        Ok(Window { shape, retention, grace, span: self.span_from(start) })
    }

    fn is_window_kind(&self, n: usize) -> bool {
        ["TUMBLING", "HOPPING", "SESSION"].iter().any(|kind| self.is_word_at(n, kind))
    }

    fn window_shape(&mut self, kind: &str) -> Result<WindowShape, Error> {
        if kind == "SESSION" {
            return Ok(WindowShape::Session { gap: self.duration()? });
        }
        self.expect(&["SIZE"])?;
        let size = self.duration()?;
        if kind == "TUMBLING" {
            return Ok(WindowShape::Tumbling { size });
        }
        self.expect_symbol(",")?;
        self.expect(&["ADVANCE", "BY"])?;
        Ok(WindowShape::Hopping { size, advance: self.duration()? })
    }

    /// `, WORDS duration`, if it is there.
    fn window_option(&mut self, words: &[&str]) -> Result<Option<Duration>, Error> {
        if !self.is_symbol(",") || !self.is_word_at(1, words[0]) {
            return Ok(None);
        }
        self.advance();
        self.expect(words)?;
        self.duration().map(Some)
    }

    /// `WITHIN …` of a join, if it is there.
    pub(super) fn within(&mut self) -> Result<Option<Within>, Error> {
        let start = self.position();
        if !self.eat(&["WITHIN"]) {
            return Ok(None);
        }
        let (before, after) = if self.is_symbol("(") {
            self.bracketed(|cursor| {
                let before = cursor.duration()?;
                cursor.expect_symbol(",")?;
                Ok((before, cursor.duration()?))
            })?
        } else {
            let both = self.duration()?;
            (both, both)
        };
        let grace = if self.eat(&["GRACE"]) {
            self.expect(&["PERIOD"])?;
            Some(self.duration()?)
        } else {
            None
        };
        Ok(Some(Within { before, after, grace, span: self.span_from(start) }))
    }

    /// `n unit`.
    pub(super) fn duration(&mut self) -> Result<Duration, Error> {
        let start = self.position();
        let count = self.unsigned("a duration such as 10 SECONDS")?;
        let Some(unit) = TimeUnit::from_word(self.next_text()) else {
            return Err(self
                .expected("a unit: DAYS, HOURS, MINUTES, SECONDS or MILLISECONDS")
                .with_near_miss(self.next_text(), UNITS.iter().copied()));
        };
        self.advance();
        Duration::new(count, unit).ok_or_else(|| {
            Error::new(ErrorCode::Literal, "the duration is too long", self.span_from(start))
        })
    }
}
