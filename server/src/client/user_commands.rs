//! `CREATE USER`, `ALTER USER`, `DROP USER`.

use engine::Error;

use super::reply::Done;
use super::session::Session;
use crate::failure::{Failure, sqlstate};
use crate::text::rewrite::Rewritten;
use crate::text::user::UserCommand;
use crate::users::verifier;

impl Session {
    /// Changes who may connect.
    pub(super) fn run_user_command(&self, command: UserCommand) -> Result<Done, Failure> {
        match command {
            UserCommand::Create { name, password } => self.create_user(&name, &password),
            UserCommand::Alter { name, password } => self.alter_user(&name, &password),
            UserCommand::Drop { name, if_exists } => self.drop_user(&name, if_exists),
        }
    }

    fn create_user(&self, name: &str, password: &str) -> Result<Done, Failure> {
        if self.is_user(name)? {
            let message = format!("there is a user {name} already");
            return Err(Failure::new(sqlstate::DUPLICATE_OBJECT, message)
                .hint("ALTER USER … PASSWORD '…' changes the password"));
        }
        self.engine.put_user(name, &verifier(password)).map_err(of_engine)?;
        Ok(Done::new("CREATE ROLE"))
    }

    fn alter_user(&self, name: &str, password: &str) -> Result<Done, Failure> {
        if !self.is_user(name)? {
            return Err(self.no_user(name));
        }
        self.engine.put_user(name, &verifier(password)).map_err(of_engine)?;
        Ok(Done::new("ALTER ROLE"))
    }

    fn drop_user(&self, name: &str, if_exists: bool) -> Result<Done, Failure> {
        let known = self.engine.drop_user(name).map_err(of_engine)?;
        match known || if_exists {
            true => Ok(Done::new("DROP ROLE")),
            false => Err(self.no_user(name)),
        }
    }

    fn is_user(&self, name: &str) -> Result<bool, Failure> {
        Ok(self.engine.verifier(name).map_err(of_engine)?.is_some())
    }

    fn no_user(&self, name: &str) -> Failure {
        let users = self.engine.users().unwrap_or_default();
        let failure = Failure::new(sqlstate::UNDEFINED_OBJECT, format!("there is no user {name}"));
        match users.is_empty() {
            true => failure.hint("there are no users yet; CREATE USER … PASSWORD '…' makes one"),
            false => failure.hint(format!("the users are {}", users.join(", "))),
        }
    }
}

fn of_engine(error: Error) -> Failure {
    Failure::of_engine(&error, &Rewritten::default())
}
