//! Statements about the connection: settings, cursors, COPY; transactions are [`super::transaction`]'s.

use std::sync::Arc;

use arrow::datatypes::FieldRef;

use super::cursor::Cursor;
use super::reply::{Done, Reply, Rows};
use super::session::{Request, Session};
use super::settings::objection;
use crate::failure::{Failure, sqlstate};
use crate::text::command::Command;
use crate::text::copy::{Copy, CopyOptions, CopyWhat};
use crate::text::names;

impl Session {
    /// Runs a command.
    pub(super) async fn run_command(
        &self,
        command: Command,
        request: &Request<'_>,
    ) -> Result<Reply, Failure> {
        match command {
            Command::Begin => Ok(Reply::Done(self.begin_transaction(request.transaction).await)),
            Command::Commit => self.commit(request.transaction).await.map(Reply::Done),
            Command::Rollback => self.rollback(request.transaction).await.map(Reply::Done),
            Command::Savepoint { name } => self.set_savepoint(name).await.map(Reply::Done),
            Command::Release { name } => self.release(&name).map(Reply::Done),
            Command::RollbackTo { name } => self.rollback_to(&name).await.map(Reply::Done),
            Command::Set { name, value } => self.set(&name, value).map(Reply::Done),
            Command::SetTransaction => Ok(Reply::Done(Done::new("SET"))),
            Command::Reset { name } => Ok(Reply::Done(self.reset(name.as_deref()))),
            Command::Show { name } => self.show(&name).map(Reply::Rows),
            Command::ShowAll => Ok(Reply::Rows(self.show_all())),
            Command::Discard { all } => Ok(Reply::Done(self.discard(all))),
            Command::Deallocate { name } => Ok(Reply::Done(self.deallocate(name))),
            Command::Declare { cursor, query } => {
                let start = request.span.start;
                let rows = self.run_query(request, start + query.start..start + query.end).await?;
                self.declare(cursor, rows).map(Reply::Done)
            }
            Command::Fetch { cursor, count } => self.fetch(&cursor, count).await.map(Reply::Rows),
            Command::Close { cursor } => self.close(cursor).map(Reply::Done),
            Command::Copy(copy) => self.copy(copy, request).await,
            Command::User(command) => self.run_user_command(command).map(Reply::Done),
        }
    }

    /// The columns that a command gives; `None` if it gives no rows.
    pub(super) async fn command_fields(&self, command: &Command) -> Option<Vec<FieldRef>> {
        match command {
            Command::Show { name } => self.show(name).ok().map(|rows| rows.fields),
            Command::ShowAll => Some(self.show_all().fields),
            Command::Fetch { cursor, .. } => {
                let cursor = self.cursors.lock().get(cursor).cloned()?;
                let fields = cursor.lock().await.fields();
                Some(fields)
            }
            _ => None,
        }
    }

    fn set(&self, name: &str, value: Option<String>) -> Result<Done, Failure> {
        if let Some(objection) = value.as_ref().and_then(|value| objection(name, value)) {
            return Err(Failure::new(sqlstate::INVALID_PARAMETER, format!("{name}: {objection}")));
        }
        let mut settings = self.settings.lock();
        let reported = match value {
            Some(value) => settings.set(name, &value),
            None => settings.reset(name),
        };
        Ok(Done { reported: reported.into_iter().collect(), ..Done::new("SET") })
    }

    fn reset(&self, name: Option<&str>) -> Done {
        let mut settings = self.settings.lock();
        let reported = match name {
            Some(name) => settings.reset(name).into_iter().collect(),
            None => settings.reset_all(),
        };
        Done { reported, ..Done::new("RESET") }
    }

    fn show(&self, name: &str) -> Result<Rows, Failure> {
        let settings = self.settings.lock();
        let Some((name, value)) = settings.get(name) else {
            let message = format!("there is no setting {name}");
            return Err(Failure::new(sqlstate::UNDEFINED_OBJECT, message));
        };
        Ok(Rows::of_text("SHOW", &[name], vec![vec![value.to_owned()]]))
    }

    fn show_all(&self) -> Rows {
        let settings = self.settings.lock();
        let mut columns = vec![Vec::new(), Vec::new(), Vec::new()];
        for shown in settings.all() {
            let texts = [shown.name, shown.value, shown.description];
            for (column, text) in columns.iter_mut().zip(texts) {
                column.push(text.to_owned());
            }
        }
        Rows::of_text("SHOW", &["name", "setting", "description"], columns)
    }

    fn discard(&self, all: bool) -> Done {
        if !all {
            return Done::new("DISCARD");
        }
        self.cursors.lock().clear();
        Done {
            tag: "DISCARD ALL".into(),
            ..Done { forgotten: self.deallocate(None).forgotten, ..self.reset(None) }
        }
    }

    fn deallocate(&self, name: Option<String>) -> Done {
        let mut prepared = self.prepared.lock();
        match name {
            Some(name) => {
                prepared.remove(&name);
                Done { forgotten: vec![name], ..Done::new("DEALLOCATE") }
            }
            None => Done { forgotten: prepared.drain().collect(), ..Done::new("DEALLOCATE ALL") },
        }
    }

    fn declare(&self, name: String, rows: Rows) -> Result<Done, Failure> {
        let mut cursors = self.cursors.lock();
        if cursors.contains_key(&name) {
            let message = format!("the cursor {name} is open already");
            return Err(Failure::new(sqlstate::DUPLICATE_CURSOR, message));
        }
        cursors.insert(name, Arc::new(tokio::sync::Mutex::new(Cursor::new(rows))));
        Ok(Done::new("DECLARE CURSOR"))
    }

    async fn fetch(&self, name: &str, count: Option<usize>) -> Result<Rows, Failure> {
        let cursor = self.cursors.lock().get(name).cloned();
        let cursor = cursor.ok_or_else(|| no_cursor(name))?;
        cursor.lock().await.fetch(count).await
    }

    fn close(&self, name: Option<String>) -> Result<Done, Failure> {
        let mut cursors = self.cursors.lock();
        match name {
            None => cursors.clear(),
            Some(name) => drop(cursors.remove(&name).ok_or_else(|| no_cursor(&name))?),
        }
        Ok(Done::new("CLOSE CURSOR"))
    }

    async fn copy(&self, copy: Copy, request: &Request<'_>) -> Result<Reply, Failure> {
        let options = copy.options;
        let rows = match copy.what {
            CopyWhat::In { relation, columns } => return self.copy_in(relation, columns, options),
            CopyWhat::QueryOut(query) => {
                let start = request.span.start;
                self.run_query(request, start + query.start..start + query.end).await?
            }
            CopyWhat::RelationOut { relation, columns } => {
                match self.run_own(&select(&relation, &columns)).await? {
                    Reply::Rows(rows) => rows,
                    _ => {
                        return Err(Failure::new(
                            sqlstate::INTERNAL_ERROR,
                            "internal error: a SELECT gave no rows",
                        ));
                    }
                }
            }
        };
        Ok(Reply::CopyOut { rows, options })
    }

    /// Checks what is to be copied into, so that the mistake is reported before the rows are sent.
    fn copy_in(
        &self,
        relation: String,
        columns: Vec<String>,
        options: CopyOptions,
    ) -> Result<Reply, Failure> {
        let relations = self.engine.relations();
        let Some(found) = relations.into_iter().find(|each| each.name == relation) else {
            let message = format!("there is no stream or table {}", names::shown(&relation));
            return Err(Failure::new(sqlstate::UNDEFINED_TABLE, message));
        };
        let is_column = |name: &&String| found.columns.iter().any(|column| column.name == **name);
        if let Some(unknown) = columns.iter().find(|name| !is_column(name)) {
            let names: Vec<_> =
                found.columns.iter().map(|column| names::shown(&column.name)).collect();
            let message =
                format!("{} has no column {}", names::shown(&relation), names::shown(unknown));
            return Err(Failure::new(sqlstate::UNDEFINED_COLUMN, message)
                .hint(format!("its columns are {}", names.join(", "))));
        }
        let columns = if columns.is_empty() {
            found.columns.into_iter().map(|column| column.name).collect()
        } else {
            columns
        };
        Ok(Reply::CopyIn { relation, columns, options })
    }
}

fn no_cursor(name: &str) -> Failure {
    Failure::new(sqlstate::INVALID_CURSOR_NAME, format!("there is no cursor {name}"))
        .hint("a cursor lives until the transaction ends or CLOSE")
}

/// `SELECT` for a relation and columns that have their dialect's names.
fn select(relation: &str, columns: &[String]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| back_ticked(column)).collect();
    let items = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    format!("SELECT {items} FROM {}", back_ticked(relation))
}

/// A name in the dialect's own quotes, which the edge does not fold.
pub(super) fn back_ticked(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
