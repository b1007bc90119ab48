//! Passwords of users: what checks them, and who they are checked for.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use async_trait::async_trait;
use engine::{Engine, Verifier};
use pgwire::api::auth::sasl::scram::{SCRAM_ITERATIONS, gen_salted_password, random_nonce};
use pgwire::api::auth::{AuthSource, LoginInfo, Password};
use pgwire::error::PgWireResult;

use crate::failure::Failure;
use crate::text::rewrite::Rewritten;

/// What checks `password` from now on.
pub fn verifier(password: &str) -> Verifier {
    let salt = random_nonce().into_bytes();
    let salted_password = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
    // A constant of some thousands.
    Verifier { salt, iterations: SCRAM_ITERATIONS as u32, salted_password }
}

/// Gives SCRAM what checks a password.
///
/// For a user that does not exist it gives something that no password passes, with a salt that is
/// the same at every try: a client cannot tell which users there are.
pub(crate) struct Passwords {
    engine: Engine,
    salts: RandomState,
}

impl Passwords {
    pub fn new(engine: Engine) -> Self {
        Self { engine, salts: RandomState::new() }
    }

    fn nobody(&self, user: &str) -> Password {
        let salt = [0, 1, 2].map(|part: u8| self.salts.hash_one((part, user)).to_be_bytes());
        Password::new(Some(salt.concat()), random_nonce().into_bytes())
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").finish_non_exhaustive()
    }
}

#[async_trait]
impl AuthSource for Passwords {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        let user = login.user().unwrap_or_default();
        let verifier = self.engine.verifier(user);
        let verifier = verifier
            .map_err(|error| Failure::of_engine(&error, &Rewritten::default()).into_wire(""))?;
        Ok(match verifier {
            Some(verifier) => Password::new(Some(verifier.salt), verifier.salted_password),
            None => self.nobody(user),
        })
    }
}
