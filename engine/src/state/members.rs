//! The members of groups: values that came to a group one after the other and stay, an entry each.
//!
//! A commit writes those that have come, and not all that a group has. A key is that of the group, a
//! number for which of its sets (2 bytes), and the value. Keys of groups are in Arrow's row format, of
//! which no one begins another.

use super::{Place, StoreId, WriteBatch};
use crate::error::Result;

/// The members of the groups of a store.
#[derive(Debug)]
pub struct Members {
    place: Place,
}

impl Members {
    /// The members of the groups at `groups`.
    pub fn of_groups(groups: &Place) -> Self {
        let id = StoreId { store: groups.id.store | StoreId::MEMBERS, ..groups.id };
        Self { place: Place { id, ..groups.clone() } }
    }

    /// Adds a member of a group's set to a commit.
    pub fn put(&self, group: &[u8], set: u16, member: &[u8], batch: &mut WriteBatch) {
        let key = self.place.key(&[group, &set.to_be_bytes(), member].concat());
        batch.put(self.place.family, key, []);
    }

    /// The members of a group's set.
    pub fn get(&self, group: &[u8], set: u16) -> Result<Vec<Box<[u8]>>> {
        let prefix = [group, &set.to_be_bytes()].concat();
        let entries = self.place.scan_prefix(&prefix)?.into_iter();
        Ok(entries.map(|(key, _)| key[prefix.len()..].into()).collect())
    }

    /// Removes the members of all groups before `until`.
    pub fn remove_before(&self, until: &[u8], batch: &mut WriteBatch) {
        batch.delete_range(self.place.family, self.place.key(&[])..self.place.key(until));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Backend, Family, MemoryBackend};
    use super::*;

    #[test]
    fn members_are_those_of_a_group_and_a_set() {
        let backend: Arc<dyn Backend> = Arc::new(MemoryBackend::default());
        let id = StoreId { query: 1, store: 2, shard: 0 };
        let place = Place::new(Arc::clone(&backend), Family::Operator, id);
        let members = Members::of_groups(&place);
        let mut batch = WriteBatch::default();
        for (group, set, member) in
            [(b"a", 0, b"x"), (b"a", 0, b"y"), (b"a", 1, b"z"), (b"b", 0, b"w")]
        {
            members.put(group, set, member, &mut batch);
        }
        backend.write(batch).unwrap();
        let found = |group: &[u8], set| {
            let members = members.get(group, set).unwrap().into_iter();
            members.map(|member| member.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(found(b"a", 0), [b"x".to_vec(), b"y".to_vec()]);
        assert_eq!(found(b"a", 1), [b"z".to_vec()]);
        assert!(place.is_empty().unwrap(), "the groups are elsewhere");

        let mut batch = WriteBatch::default();
        members.remove_before(b"b", &mut batch);
        backend.write(batch).unwrap();
        assert_eq!((found(b"a", 0).len(), found(b"b", 0).len()), (0, 1));
    }
}
