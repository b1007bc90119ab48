//! Objects whose fields are columns: records and STRUCTs.

use arrow::array::ArrayRef;
use arrow::datatypes::Fields;

use super::names::{Names, Target};
use super::reader::Reader;
use super::scanner::Scanner;
use crate::format::mismatch::Result;

/// Reads objects of the same columns one after the other.
pub(super) struct Object {
    names: Names,
    members: Vec<Member>,
    /// Objects in the columns.
    len: usize,
    /// Objects read so far, bad ones too: what tells a field of this one from older ones.
    reads: u64,
}

/// A column of an object.
struct Member {
    name: String,
    reader: Reader,
    /// The read that saw this field last.
    seen: u64,
    /// Whether it was seen by its exact name.
    exact: bool,
}

impl Object {
    /// No objects yet; columns for which `keep` is false are only checked.
    pub(super) fn new(fields: &Fields, keep: impl Fn(usize) -> bool, rows: usize) -> Self {
        let members = fields.iter().enumerate().map(|(index, field)| Member {
            name: field.name().clone(),
            reader: Reader::new(field.data_type(), keep(index), rows),
            seen: 0,
            exact: false,
        });
        Self { names: Names::new(fields), members: members.collect(), len: 0, reads: 0 }
    }

    /// Reads the object that starts under the scanner.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<()> {
        self.reads += 1;
        self.names.restart();
        let mut seen = 0;
        scanner.advance(1);
        if !scanner.eat(b'}') {
            loop {
                let target = self.names.read(scanner)?;
                scanner.colon()?;
                seen += self.read_value(target, scanner)?;
                if !scanner.more(b'}')? {
                    break;
                }
            }
        }
        if seen < self.members.len() {
            self.fill_missing();
        }
        self.len += 1;
        Ok(())
    }

    /// Reads a value into the columns that it belongs to. Says how many of them are new.
    #[inline]
    fn read_value(&mut self, target: Target, scanner: &mut Scanner<'_>) -> Result<usize> {
        match (target.exact, target.folded) {
            (Some(index), None) => self.read_member(index, true, scanner),
            (None, Some(index)) => self.read_member(index, false, scanner),
            (None, None) => scanner.skip_value().map(|()| 0),
            (Some(exact), Some(folded)) => {
                let start = scanner.position();
                let new = self.read_member(exact, true, scanner)?;
                scanner.rewind(start);
                Ok(new + self.read_member(folded, false, scanner)?)
            }
        }
    }

    #[inline]
    fn read_member(
        &mut self,
        index: usize,
        exact: bool,
        scanner: &mut Scanner<'_>,
    ) -> Result<usize> {
        let member = &mut self.members[index];
        let repeated = member.seen == self.reads;
        if repeated {
            if member.exact && !exact {
                return scanner.skip_value().map(|()| 0);
            }
            member.reader.truncate(self.len);
        }
        member.seen = self.reads;
        member.exact = exact;
        match member.reader.read(scanner) {
            Ok(()) => Ok(usize::from(!repeated)),
            Err(mismatch) => Err(mismatch.in_field(&member.name)),
        }
    }

    fn fill_missing(&mut self) {
        for member in self.members.iter_mut().filter(|member| member.seen != self.reads) {
            member.reader.push_null();
        }
    }

    /// Appends an object whose fields are all null.
    pub(super) fn push_null(&mut self) {
        for member in &mut self.members {
            member.reader.push_null();
        }
        self.len += 1;
    }

    pub(super) fn truncate(&mut self, len: usize) {
        for member in &mut self.members {
            member.reader.truncate(len);
        }
        self.len = len;
    }

    /// All columns; those that were not kept are empty.
    pub(super) fn finish(self) -> Vec<ArrayRef> {
        self.members.into_iter().map(|member| member.reader.finish()).collect()
    }
}
