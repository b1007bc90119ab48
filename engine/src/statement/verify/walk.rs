//! Walking through the entries of stores in the order of their keys.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::error::Result;
use crate::state::{Entry, Family, View, prefix_end};

/// Entries that are read at once.
const PAGE: usize = 4096;

/// The bytes of a store that its keys begin with.
const PREFIX_BYTES: usize = 8;

/// Walks through a store.
pub struct Walk<'a> {
    view: &'a dyn View,
    family: Family,
    start: Vec<u8>,
    end: Vec<u8>,
    page: VecDeque<Entry>,
    is_last: bool,
}

impl<'a> Walk<'a> {
    /// From the beginning of the store whose keys begin with `prefix`.
    pub fn new(view: &'a dyn View, family: Family, prefix: [u8; PREFIX_BYTES]) -> Self {
        let (start, end) = (prefix.to_vec(), prefix_end(&prefix));
        Self { view, family, start, end, page: VecDeque::new(), is_last: false }
    }

    /// The next entry, its key without the store's prefix.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        self.fill()?;
        let entry = self.page.pop_front();
        Ok(entry.map(|(key, value)| (key[PREFIX_BYTES..].into(), value)))
    }

    fn next_key(&mut self) -> Result<Option<&[u8]>> {
        self.fill()?;
        Ok(self.page.front().map(|(key, _)| &key[PREFIX_BYTES..]))
    }

    fn fill(&mut self) -> Result<()> {
        if self.page.is_empty() && !self.is_last {
            let page = self.view.scan(self.family, &self.start..&self.end, PAGE)?;
            self.is_last = page.len() < PAGE;
            if let Some((last, _)) = page.last() {
                self.start = [last, &[0][..]].concat();
            }
            self.page = page.into();
        }
        Ok(())
    }
}

/// What two stores have of the next key that is in one of them.
pub type Pair = (Option<Entry>, Option<Entry>);

/// Takes the next key of two stores.
pub fn next_pair(a: &mut Walk<'_>, b: &mut Walk<'_>) -> Result<Option<Pair>> {
    let order = match (a.next_key()?, b.next_key()?) {
        (None, None) => return Ok(None),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(a), Some(b)) => a.cmp(b),
    };
    let first = if order == Ordering::Greater { None } else { a.next_entry()? };
    let second = if order == Ordering::Less { None } else { b.next_entry()? };
    Ok(Some((first, second)))
}
