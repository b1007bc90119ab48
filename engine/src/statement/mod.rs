//! Statements: each does one thing to the catalog, the log or the session.
//!
//! A statement that changes the catalog works on a copy, prepares everything that can fail, and
//! then commits the copy as a whole; see [`crate::catalog`].

mod alter;
mod assert;
mod backup;
mod create;
mod create_as;
mod describe;
pub(crate) mod doomed;
mod drop;
mod explain;
mod export;
mod insert_values;
mod print;
pub(crate) mod queries;
pub(crate) use create::topic_of;
mod replace;
mod show;
pub(crate) mod table;
pub(crate) mod transaction;
pub mod verify;

#[cfg(test)]
mod tests;

use sql::ast::{ExplainTarget, QueryTarget, Statement, StatementKind as Kind};

use crate::engine::Shared;
use crate::error::{Code, Result, invalid};
use crate::outcome::{Done, Outcome};
use crate::properties::SessionProperties;
use crate::query;
use crate::session::Session;

/// Runs a statement. What is wrong with it has a place: if nobody knows a better one, the statement.
pub async fn execute(session: &mut Session, statement: &Statement) -> Result<Outcome> {
    dispatch(session, statement).await.map_err(|error| error.at(statement.span))
}

async fn dispatch(session: &mut Session, statement: &Statement) -> Result<Outcome> {
    if let Kind::Query(asked) = &statement.kind {
        return query::execute(session, asked, &statement.text).await;
    }
    let done = match &statement.kind {
        Kind::Set { name, value } => {
            SessionProperties::find(&name.value).map_err(|error| error.at(name.span))?;
            let set = session.properties.set(&name.value, &value.value);
            set.map_err(|error| error.at(value.span))?;
            done("SET", format!("{} is {}", name.value, value.value))
        }
        Kind::Unset { name } => {
            session.properties.unset(&name.value).map_err(|error| error.at(name.span))?;
            done("UNSET", format!("{} is back to its default", name.value))
        }
        Kind::Define { name, value } => {
            session.variables.insert(name.value.clone(), value.clone());
            done("DEFINE", format!("{} is {value}", name.value))
        }
        Kind::Undefine { name } => {
            session.variables.remove(&name.value);
            done("UNDEFINE", format!("{} is undefined", name.value))
        }
        Kind::AssertTopic { .. }
        | Kind::AssertSource { .. }
        | Kind::AssertValues { .. }
        | Kind::AssertNullValues { .. } => assert::execute(session, &statement.kind).await?,
        Kind::Show(what) => return show::execute(session, what),
        Kind::Describe(what) => return describe::execute(session, what),
        Kind::Explain { target: ExplainTarget::Statement(inner), analyze } => {
            explain::check_analyze(inner, *analyze)?;
            return explain::statement(session, inner);
        }
        Kind::Explain { target: ExplainTarget::Query(id), analyze } => {
            return explain::query(session, id, *analyze);
        }
        Kind::Print { .. } => return print::execute(session, &statement.kind),
        Kind::ExportCatalog => return export::execute(session),
        Kind::Backup { path } => backup::execute(session, path).await?,
        Kind::Verify { name } => verify::execute(session, name).await?,
        Kind::InsertValues { target, columns, rows } => {
            let shared = std::sync::Arc::clone(&session.shared);
            let _changing = shared.changing.lock();
            insert_values::execute(session, &shared, target, columns, rows)?
        }
        _ => {
            let shared = std::sync::Arc::clone(&session.shared);
            let _changing = shared.changing.lock();
            change(session, &shared, statement)?
        }
    };
    Ok(Outcome::Done(done))
}

/// Statements that change the catalog or the log.
fn change(session: &Session, shared: &Shared, statement: &Statement) -> Result<Done> {
    match &statement.kind {
        Kind::CreateSource { .. } => create::execute(session, shared, statement),
        Kind::CreateAs { .. } => create_as::create(session, shared, statement),
        Kind::InsertInto { .. } => create_as::insert_into(session, shared, statement),
        Kind::AlterSource { kind, name, columns } => alter::execute(shared, *kind, name, columns),
        Kind::DropSource { .. } => drop::source(shared, &statement.kind),
        Kind::CreateType { if_not_exists, name, data_type } => {
            create::custom_type(shared, *if_not_exists, name, data_type)
        }
        Kind::DropType { if_exists, name } => drop::custom_type(shared, *if_exists, name),
        Kind::Terminate(target) => queries::terminate(shared, target),
        Kind::Pause(target) => queries::set_paused(shared, target, true),
        Kind::Resume(target) => queries::set_paused(shared, target, false),
        Kind::NotSupported { what, span } => {
            Err(invalid(Code::NotSupported, format!("{what} is not supported yet")).at(*span))
        }
        Kind::AssertSchema { .. } => {
            let message = "ASSERT SCHEMA is not supported yet: there is no schema registry";
            Err(invalid(Code::NotSupported, message).at(statement.span))
        }
        Kind::RunScript { .. } => {
            let message = "RUN SCRIPT is a statement of the shell, which reads files where it runs";
            Err(invalid(Code::NotSupported, message)
                .at(statement.span)
                .hint("run it in the millstream shell, or send the script's statements"))
        }
        _ => {
            Err(invalid(Code::NotSupported, "this statement is not supported yet")
                .at(statement.span))
        }
    }
}

/// A statement that took effect.
pub(crate) fn done(tag: &str, message: impl Into<String>) -> Done {
    Done { tag: tag.to_owned(), message: message.into(), warnings: Vec::new() }
}

/// A number with what it counts: `1 row`, `2 rows`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// How a target of `TERMINATE`, `PAUSE` and `RESUME` is shown.
fn target_name(target: &QueryTarget) -> &str {
    match target {
        QueryTarget::All => "ALL",
        QueryTarget::Query(id) => &id.value,
    }
}
