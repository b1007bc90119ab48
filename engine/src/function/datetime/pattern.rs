//! Java's date-time patterns: `yyyy-MM-dd'T'HH:mm:ss.SSSX`.
//!
//! A pattern is compiled once into items, which print and parse. The letters are those of
//! `java.time.format.DateTimeFormatter`, with English names and the week rules of the US:
//!
//! | letters | field | letters | field |
//! |---|---|---|---|
//! | `u` `y` `Y` | year, of era, week-based | `H` `k` | hour 0-23, 1-24 |
//! | `Q` `q` | quarter | `K` `h` | hour 0-11, 1-12 |
//! | `M` `L` | month | `a` | AM or PM |
//! | `w` `W` | week of year, of month | `m` `s` | minute, second |
//! | `d` `D` | day of month, of year | `S` `n` | fraction of second, nanoseconds |
//! | `E` `e` `c` | day of week | `A` `N` | milliseconds, nanoseconds of day |
//! | `G` | era | `VV` `z` | zone id, name |
//! | `p` | pad the next | `X` `x` `Z` `O` | offset |
//!
//! Text stands in quotes (`''` is a quote), and `[…]` may be absent.

use std::iter::Peekable;
use std::str::Chars;

use datafusion::common::{Result, exec_err};

use super::field::Field;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimePattern {
    pub(super) text: String,
    pub(super) items: Vec<Item>,
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Literal(String),
    Number(Number),
    Text(Field, Style),
    /// So many digits behind the decimal point.
    Fraction(usize),
    Offset {
        style: OffsetStyle,
        zero: &'static str,
    },
    LocalizedOffset(Style),
    ZoneId,
    ZoneName,
    Optional(Vec<Item>),
    Padded(usize, Box<Item>),
}

/// A field written in digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) field: Field,
    pub(super) width_min: usize,
    pub(super) width_max: usize,
    /// The last two digits of a year from 2000 on.
    pub(super) two_digit_year: bool,
    /// Digits that belong to the numbers right behind this one.
    pub(super) reserved: usize,
}

impl Number {
    /// Years outgrow the digits of their pattern, and then have a sign.
    pub(super) fn is_year(&self) -> bool {
        matches!(self.field, Field::Year | Field::YearOfEra | Field::WeekYear)
    }
}

/// How long a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Short,
    Full,
    Narrow,
}

/// How an offset from UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OffsetStyle {
    /// `+HHmm`, minutes only if there are any.
    HoursAndMaybeMinutes,
    /// `+HHMM`.
    Minutes,
    /// `+HH:MM`.
    ColonMinutes,
    /// `+HHMMss`, seconds only if there are any.
    Seconds,
    /// `+HH:MM:ss`, seconds only if there are any.
    ColonSeconds,
}

impl TimePattern {
    /// Reads a pattern.
    pub fn compile(text: &str) -> Result<Self> {
        let mut compiler = Compiler { text, chars: text.chars().peekable(), depth: 0 };
        let mut items = compiler.items()?;
        reserve_digits(&mut items);
        Ok(Self { text: text.to_owned(), items })
    }
}

/// Lets a number of open width leave the digits of the fixed ones behind it alone, so that
/// `yyyyMMdd` can be parsed.
fn reserve_digits(items: &mut [Item]) {
    let mut following = 0;
    for item in items.iter_mut().rev() {
        following = match item {
            Item::Number(number) if number.width_min == number.width_max => {
                following + number.width_min
            }
            Item::Number(number) => {
                number.reserved = following;
                0
            }
            Item::Fraction(digits) => following + *digits,
            Item::Optional(items) => {
                reserve_digits(items);
                0
            }
            _ => 0,
        };
    }
}

struct Compiler<'a> {
    text: &'a str,
    chars: Peekable<Chars<'a>>,
    depth: usize,
}

impl Compiler<'_> {
    fn items(&mut self) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        while let Some(char) = self.chars.next() {
            match char {
                ']' if self.depth > 0 => {
                    self.depth -= 1;
                    return Ok(items);
                }
                ']' => return self.error("']' without '['"),
                char => items.push(self.item(char)?),
            }
        }
        // As in Java, a section that is not closed runs to the end of the pattern.
        Ok(items)
    }

    fn item(&mut self, char: char) -> Result<Item> {
        match char {
            '[' => {
                self.depth += 1;
                Ok(Item::Optional(self.items()?))
            }
            '\'' => self.quoted(),
            'p' => self.padded(),
            '{' | '}' | '#' => self.error(&format!("'{char}' is reserved: put it in quotes")),
            char if char.is_ascii_alphabetic() => {
                let count = 1 + self.count(char);
                self.field(char, count)
            }
            char => Ok(Item::Literal(char.to_string())),
        }
    }

    /// How often the letter comes again.
    fn count(&mut self, letter: char) -> usize {
        std::iter::from_fn(|| self.chars.next_if_eq(&letter)).count()
    }

    fn quoted(&mut self) -> Result<Item> {
        let mut literal = String::new();
        loop {
            match self.chars.next() {
                Some('\'') if self.chars.next_if_eq(&'\'').is_some() => literal.push('\''),
                Some('\'') if literal.is_empty() => return Ok(Item::Literal("'".to_owned())),
                Some('\'') => return Ok(Item::Literal(literal)),
                Some(char) => literal.push(char),
                None => return self.error("a quote is not closed"),
            }
        }
    }

    fn padded(&mut self) -> Result<Item> {
        let width = 1 + self.count('p');
        match self.chars.next() {
            Some(char) if char.is_ascii_alphabetic() => {
                Ok(Item::Padded(width, Box::new(self.item(char)?)))
            }
            _ => self.error("'p' must be followed by the letters that it pads"),
        }
    }

    fn field(&self, letter: char, count: usize) -> Result<Item> {
        let item = match letter {
            'u' => year(Field::Year, count),
            'y' => year(Field::YearOfEra, count),
            'Y' => year(Field::WeekYear, count),
            'M' | 'L' => named(Field::Month, count),
            'Q' | 'q' => named(Field::Quarter, count),
            'E' => text(Field::DayOfWeek, count.max(3)),
            'e' | 'c' => named(Field::DayOfWeek, count),
            'G' => text(Field::Era, count.max(3)),
            'a' if count == 1 => text(Field::Half, 3),
            'd' => number(Field::Day, count, 2),
            'H' => number(Field::Hour, count, 2),
            'k' => number(Field::ClockHour, count, 2),
            'K' => number(Field::HourOfHalf, count, 2),
            'h' => number(Field::ClockHourOfHalf, count, 2),
            'm' => number(Field::Minute, count, 2),
            's' => number(Field::Second, count, 2),
            'w' => number(Field::Week, count, 2),
            'W' => number(Field::WeekOfMonth, count, 1),
            'D' => number(Field::DayOfYear, count, 3),
            'n' => open_number(Field::Nano, count),
            'A' => open_number(Field::MilliOfDay, count),
            'N' => open_number(Field::NanoOfDay, count),
            'S' if count <= 9 => Some(Item::Fraction(count)),
            'V' if count == 2 => Some(Item::ZoneId),
            'z' if count <= 4 => Some(Item::ZoneName),
            'X' | 'x' | 'Z' | 'O' => offset(letter, count),
            _ if "aSVz".contains(letter) => None,
            _ => {
                return self.error(&format!("'{letter}' is no pattern letter: put text in quotes"));
            }
        };
        match item {
            Some(item) => Ok(item),
            None => self.error(&format!("wrong number of letters '{letter}': {count}")),
        }
    }

    fn error<T>(&self, problem: &str) -> Result<T> {
        exec_err!("invalid date-time pattern '{}': {problem}", self.text)
    }
}

fn year(field: Field, count: usize) -> Option<Item> {
    let two_digit_year = count == 2;
    let width_max = if two_digit_year { 2 } else { 19 };
    let number = Number { field, width_min: count, width_max, two_digit_year, reserved: 0 };
    (count <= 19).then_some(Item::Number(number))
}

/// One letter has any number of digits, more have as many digits as letters.
fn number(field: Field, count: usize, count_max: usize) -> Option<Item> {
    let width_max = match (count, field) {
        (1, Field::WeekOfMonth) => 1,
        (1, _) => 19,
        (2, Field::DayOfYear) => 3,
        (count, _) => count,
    };
    let number = Number { field, width_min: count, width_max, two_digit_year: false, reserved: 0 };
    (count <= count_max).then_some(Item::Number(number))
}

fn open_number(field: Field, count: usize) -> Option<Item> {
    let number =
        Number { field, width_min: count, width_max: 19, two_digit_year: false, reserved: 0 };
    (count <= 19).then_some(Item::Number(number))
}

/// Up to two letters are a number, more are a name.
fn named(field: Field, count: usize) -> Option<Item> {
    if count <= 2 { number(field, count, 2) } else { text(field, count) }
}

fn text(field: Field, count: usize) -> Option<Item> {
    let style = match count {
        3 => Style::Short,
        4 => Style::Full,
        5 => Style::Narrow,
        _ => return None,
    };
    Some(Item::Text(field, style))
}

fn offset(letter: char, count: usize) -> Option<Item> {
    let style = match (letter, count) {
        ('O', 1) => return Some(Item::LocalizedOffset(Style::Short)),
        ('O' | 'Z', 4) => return Some(Item::LocalizedOffset(Style::Full)),
        ('X' | 'x', 1) => OffsetStyle::HoursAndMaybeMinutes,
        ('X' | 'x', 2) | ('Z', 1..=3) => OffsetStyle::Minutes,
        ('X' | 'x', 3) => OffsetStyle::ColonMinutes,
        ('X' | 'x', 4) => OffsetStyle::Seconds,
        ('X' | 'x' | 'Z', 5) => OffsetStyle::ColonSeconds,
        _ => return None,
    };
    let zero = match (letter, count) {
        ('X', _) | ('Z', 5) => "Z",
        ('x', 1) => "+00",
        ('x', 3 | 5) => "+00:00",
        _ => "+0000",
    };
    Some(Item::Offset { style, zero })
}

/// The names of a field's values, from its least value on.
pub(super) fn names(field: Field, style: Style) -> &'static [&'static str] {
    match (field, style) {
        (Field::Month, Style::Full) => &[
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        (Field::Month, Style::Short) => {
            &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        }
        (Field::Month, Style::Narrow) => {
            &["J", "F", "M", "A", "M", "J", "J", "A", "S", "O", "N", "D"]
        }
        (Field::DayOfWeek, Style::Full) => {
            &["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        }
        (Field::DayOfWeek, Style::Short) => &["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
        (Field::DayOfWeek, Style::Narrow) => &["S", "M", "T", "W", "T", "F", "S"],
        (Field::Quarter, Style::Full) => {
            &["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"]
        }
        (Field::Quarter, Style::Short) => &["Q1", "Q2", "Q3", "Q4"],
        (Field::Quarter, Style::Narrow) => &["1", "2", "3", "4"],
        (Field::Half, _) => &["AM", "PM"],
        (Field::Era, Style::Full) => &["Before Christ", "Anno Domini"],
        (Field::Era, Style::Short) => &["BC", "AD"],
        (Field::Era, Style::Narrow) => &["B", "A"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_patterns_are_refused_with_the_reason() {
        let cases = [
            ("yyyy-bb", "'b' is no pattern letter"),
            ("'open", "a quote is not closed"),
            ("HHH", "wrong number of letters 'H': 3"),
            ("yyyy]", "']' without '['"),
            ("{", "reserved"),
            ("V", "wrong number of letters 'V': 1"),
        ];
        for (pattern, reason) in cases {
            let error = TimePattern::compile(pattern).expect_err(pattern).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
