//! Users: who may connect with which password.
//!
//! Only what checks a password is kept (RFC 5802): the password itself cannot be read back. Each
//! user is an entry of the state store's meta family, under `u | name`.

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::state::{Family, WriteBatch, prefix_end};

const PREFIX: &[u8] = b"u";

/// What checks a password: SCRAM's salted password and how it was made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// Random bytes.
    pub salt: Vec<u8>,
    /// How often the password was hashed.
    pub iterations: u32,
    /// The result.
    pub salted_password: Vec<u8>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl Engine {
    /// The names of the users, in order.
    pub fn users(&self) -> Result<Vec<String>> {
        let range = PREFIX.to_vec()..prefix_end(PREFIX);
        let entries =
            self.shared.backend.scan(Family::Meta, &range.start[..]..&range.end[..], usize::MAX)?;
        let name = |key: &[u8]| String::from_utf8_lossy(&key[PREFIX.len()..]).into_owned();
        Ok(entries.into_iter().map(|(key, _)| name(&key)).collect())
    }

    /// What checks a user's password; `None` if there is no such user.
    pub fn verifier(&self, user: &str) -> Result<Option<Verifier>> {
        let entry = self.shared.backend.get(Family::Meta, &key(user))?;
        let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes);
        entry.map(read).transpose().map_err(|error| Error::Storage {
            operation: format!("cannot read the entry of user {user}"),
            cause: error.to_string(),
        })
    }

    /// Adds a user, or changes the password of one.
    pub fn put_user(&self, user: &str, verifier: &Verifier) -> Result<()> {
        let bytes =
            serde_json::to_vec(verifier).map_err(|error| Error::Internal(error.to_string()))?;
        let mut batch = WriteBatch::default();
        batch.put(Family::Meta, key(user), bytes);
        self.write_users(batch)
    }

    /// Removes a user; says whether there was one.
    pub fn drop_user(&self, user: &str) -> Result<bool> {
        let known = self.verifier(user)?.is_some();
        let mut batch = WriteBatch::default();
        batch.delete(Family::Meta, key(user));
        self.write_users(batch)?;
        Ok(known)
    }

    fn write_users(&self, batch: WriteBatch) -> Result<()> {
        self.shared.backend.write(batch)?;
        self.shared.backend.sync()
    }
}

fn key(user: &str) -> Vec<u8> {
    [PREFIX, user.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;

    #[tokio::test]
    async fn users_can_be_added_changed_and_dropped() {
        let engine = Engine::open(Options::default()).await.unwrap();
        let verifier =
            |byte| Verifier { salt: vec![1], iterations: 4096, salted_password: vec![byte] };
        engine.put_user("bob", &verifier(1)).unwrap();
        engine.put_user("ann", &verifier(2)).unwrap();
        engine.put_user("bob", &verifier(3)).unwrap();
        assert_eq!(engine.users().unwrap(), ["ann", "bob"]);
        assert_eq!(engine.verifier("bob").unwrap(), Some(verifier(3)));
        assert!(engine.drop_user("bob").unwrap());
        assert!(!engine.drop_user("bob").unwrap());
        assert_eq!(engine.verifier("bob").unwrap(), None);
    }
}
