//! Which column a field name belongs to.
//!
//! Records of one topic look alike: behind each name we remember the one that followed it the
//! last time, and one comparison of bytes settles most fields. Otherwise the name is looked up,
//! first among those seen before and then among the columns.

use std::sync::Arc;

use arrow::datatypes::Fields;
use hashbrown::HashMap;

use super::scanner::Scanner;
use super::string::Str;
use crate::format::mismatch::Result;

/// Names that are remembered. Topics whose names do not repeat must not fill the memory.
const KNOWN_MAX: usize = 1024;

/// The first of the remembered names, which stands for the start of an object.
const START: usize = 0;

/// The columns that a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Target {
    /// The column of exactly this name.
    pub(super) exact: Option<usize>,
    /// Another column, whose name this is in upper case.
    pub(super) folded: Option<usize>,
}

/// The names of the fields of an object.
pub(super) struct Names {
    columns: HashMap<String, usize>,
    known: Vec<Known>,
    by_text: HashMap<Arc<[u8]>, usize>,
    last: usize,
}

/// A name seen before.
struct Known {
    /// As written, with its quotes.
    text: Arc<[u8]>,
    target: Target,
    /// The name that followed, or `START` if none did.
    next: usize,
}

impl Names {
    pub(super) fn new(fields: &Fields) -> Self {
        let columns = fields.iter().enumerate();
        let columns = columns.map(|(index, field)| (field.name().clone(), index)).collect();
        let start = Known { text: Arc::new([]), target: Target::default(), next: START };
        Self { columns, known: vec![start], by_text: HashMap::new(), last: START }
    }

    /// Prepares for the first field of an object.
    #[inline]
    pub(super) fn restart(&mut self) {
        self.last = START;
    }

    /// Reads a name and says where its value belongs.
    #[inline]
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<Target> {
        scanner.peek();
        let next = self.known[self.last].next;
        if next != START && scanner.eat_exactly(&self.known[next].text) {
            self.last = next;
            return Ok(self.known[next].target);
        }
        let name = scanner.name()?;
        Ok(self.look_up(name))
    }

    fn look_up(&mut self, name: Str<'_>) -> Target {
        if name.escaped {
            return self.resolve(&name.text());
        }
        let text: Arc<[u8]> = [b"\"", name.raw, b"\""].concat().into();
        let index = match self.by_text.get(&text) {
            Some(index) => *index,
            None if self.known.len() == KNOWN_MAX => return self.resolve(&name.text()),
            None => self.remember(text, self.resolve(&name.text())),
        };
        self.known[self.last].next = index;
        self.last = index;
        self.known[index].target
    }

    fn remember(&mut self, text: Arc<[u8]>, target: Target) -> usize {
        let index = self.known.len();
        self.by_text.insert(Arc::clone(&text), index);
        self.known.push(Known { text, target, next: START });
        index
    }

    fn resolve(&self, name: &str) -> Target {
        let exact = self.columns.get(name).copied();
        let folded = self.columns.get(&name.to_uppercase()).copied();
        Target { exact, folded: folded.filter(|folded| Some(*folded) != exact) }
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};

    use super::*;

    fn names(columns: &[&str]) -> Names {
        let field = |name: &&str| Field::new(*name, DataType::Utf8, true);
        Names::new(&columns.iter().map(field).collect())
    }

    fn read(names: &mut Names, text: &str) -> Target {
        names.read(&mut Scanner::new(text.as_bytes())).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_exact_name_and_one_in_upper_case_may_both_match() {
        let mut names = names(&["foo", "FOO", "Bar"]);
        let target = |exact, folded| Target { exact, folded };
        assert_eq!(read(&mut names, r#""foo""#), target(Some(0), Some(1)));
        assert_eq!(read(&mut names, r#""FOO""#), target(Some(1), None));
        assert_eq!(read(&mut names, r#""Foo""#), target(None, Some(1)));
        assert_eq!(read(&mut names, r#""Bar""#), target(Some(2), None));
        assert_eq!(read(&mut names, r#""BAR""#), target(None, None));
        assert_eq!(read(&mut names, r#""f\u006fo""#), target(Some(0), Some(1)));
    }

    #[test]
    fn a_name_is_guessed_from_the_one_before() {
        let mut names = names(&["A", "B"]);
        for _ in 0..2 {
            names.restart();
            assert_eq!(read(&mut names, r#""A""#).exact, Some(0));
            assert_eq!(read(&mut names, r#""X""#), Target::default());
            assert_eq!(read(&mut names, r#""B""#).exact, Some(1));
        }
        assert_eq!(names.known.len(), 4);
        assert_eq!(names.known.iter().map(|known| known.next).collect::<Vec<_>>(), [1, 2, 3, 0]);
        names.restart();
        assert_eq!(read(&mut names, r#""B""#).exact, Some(1));
    }

    #[test]
    fn the_memory_for_names_is_bounded() {
        let mut names = names(&["A"]);
        for index in 0..2 * KNOWN_MAX {
            read(&mut names, &format!("\"{index}\""));
        }
        assert_eq!(names.known.len(), KNOWN_MAX);
        assert_eq!(read(&mut names, r#""a""#).folded, Some(0));
    }
}
