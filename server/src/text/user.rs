//! Statements about users, as a client writes them.

use super::command::Words;
use crate::failure::{Failure, sqlstate};

/// A statement about a user.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum UserCommand {
    /// `CREATE USER name PASSWORD '…'`.
    Create { name: String, password: String },
    /// `ALTER USER name PASSWORD '…'`.
    Alter { name: String, password: String },
    /// `DROP USER [IF EXISTS] name`.
    Drop { name: String, if_exists: bool },
}

impl std::fmt::Debug for UserCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, name) = match self {
            UserCommand::Create { name, .. } => ("Create", name),
            UserCommand::Alter { name, .. } => ("Alter", name),
            UserCommand::Drop { name, .. } => ("Drop", name),
        };
        f.debug_tuple(what).field(name).finish()
    }
}

/// Parses what follows `CREATE`, `ALTER` or `DROP`; `None` if it is not about a user.
pub(super) fn parse(verb: &str, mut words: Words<'_>) -> Result<Option<UserCommand>, Failure> {
    if !(words.eat("USER") || words.eat("ROLE")) {
        return Ok(None);
    }
    let if_exists = verb == "DROP" && words.eat("IF") && words.eat("EXISTS");
    let name = words.expect_name("the name of a user")?;
    let command = match verb {
        "CREATE" => UserCommand::Create { name, password: password(&mut words)? },
        "ALTER" => UserCommand::Alter { name, password: password(&mut words)? },
        _ => UserCommand::Drop { name, if_exists },
    };
    match words.at_end() {
        true => Ok(Some(command)),
        false => Err(words.expected("the end of the statement")),
    }
}

fn password(words: &mut Words<'_>) -> Result<String, Failure> {
    words.eat("WITH");
    words.eat("LOGIN");
    words.eat("ENCRYPTED");
    if !words.eat("PASSWORD") {
        return Err(words.expected("PASSWORD"));
    }
    let position = words.position();
    let password = words.string().ok_or_else(|| words.expected("a password in quotes"))?;
    if password.is_empty() {
        let message = "a password has at least one character";
        return Err(Failure::new(sqlstate::INVALID_PARAMETER, message).at(position));
    }
    if password.starts_with("SCRAM-SHA-256$") || password.starts_with("md5") && password.len() == 35
    {
        let message = "the password comes hashed, and only the password itself can be taken";
        return Err(Failure::new(sqlstate::FEATURE_NOT_SUPPORTED, message)
            .at(position)
            .hint("ALTER USER … PASSWORD 'the password', over TLS or on the server's machine"));
    }
    Ok(password)
}

/// A script as others may see it: nothing that follows the word PASSWORD.
pub(crate) fn without_passwords(script: &str) -> &str {
    let tokens = super::scan::scan(script);
    let password = tokens.iter().find(|token| token.text(script).eq_ignore_ascii_case("password"));
    password.map_or(script, |token| &script[..token.range.end])
}

#[cfg(test)]
mod tests {
    use super::super::command::{Command, parse};
    use super::*;

    fn user(text: &str) -> Option<UserCommand> {
        match parse(text).unwrap() {
            Some(Command::User(command)) => Some(command),
            _ => None,
        }
    }

    #[test]
    fn users_are_made_changed_and_dropped() {
        let (name, password) = ("ann".to_owned(), "it's".to_owned());
        let create = UserCommand::Create { name: name.clone(), password: password.clone() };
        assert_eq!(user("CREATE USER Ann WITH PASSWORD 'it''s'"), Some(create));
        let alter = UserCommand::Alter { name: name.clone(), password };
        assert_eq!(user("alter role ann password 'it''s'"), Some(alter));
        let drop = UserCommand::Drop { name, if_exists: true };
        assert_eq!(user("DROP USER IF EXISTS ann"), Some(drop));
        assert_eq!(user("CREATE STREAM user (id INT)"), None);
    }

    #[test]
    fn what_is_no_password_is_refused() {
        for text in ["CREATE USER a", "CREATE USER a PASSWORD ''", "ALTER USER a PASSWORD x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("ALTER USER a PASSWORD 'SCRAM-SHA-256$4096:a$b:c'").is_err());
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(
            without_passwords("CREATE USER a PASSWORD 'x'; SELECT 1"),
            "CREATE USER a PASSWORD"
        );
        assert_eq!(without_passwords("SELECT 'password'"), "SELECT 'password'");
    }
}
