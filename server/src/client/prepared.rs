//! Prepared statements, and the values that are put to them.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use pgwire::api::ClientInfo;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::results::FieldInfo;
use pgwire::api::stmt::QueryParser;
use pgwire::error::PgWireResult;
use pgwire::messages::response::TransactionStatus;
use postgres_types::Type;

use super::parameters::literal;
use super::session::{Described, Request, Session};
use super::values::value;
use crate::encode::rows::field_infos;
use crate::failure::{Failure, sqlstate};
use crate::text::rewrite::placeholders;
use crate::text::scan::statements;
use crate::text::user::without_passwords;

/// A prepared statement.
pub(crate) struct Prepared {
    /// The statement, with its placeholders, and what is around it.
    pub(super) script: String,
    /// Where it stands in that.
    pub(super) span: Range<usize>,
    /// The script as others may see it.
    pub(super) shown: String,
    /// How many placeholders it has.
    placeholders: usize,
    /// What it takes and gives.
    pub(super) described: Described,
}

/// Prepares statements for one session.
pub(crate) struct Preparer(pub(super) Arc<Session>);

#[async_trait]
impl QueryParser for Preparer {
    type Statement = Arc<Prepared>;

    async fn parse_sql<C>(
        &self,
        _: &C,
        script: &str,
        _: &[Option<Type>],
    ) -> PgWireResult<Option<Arc<Prepared>>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let span = match statements(script).as_slice() {
            [] => return Ok(None),
            [span] => span.clone(),
            [_, second, ..] => return Err(several(second.start).into_wire(script)),
        };
        let transaction = TransactionStatus::Idle;
        let parameters = &[];
        let request =
            Request { script, span: span.clone(), parameters, transaction, in_script: false };
        let described = self.0.describe(request).await;
        let described = described.map_err(|failure| failure.into_wire(script))?;
        Ok(Some(Arc::new(Prepared {
            script: script.into(),
            span,
            shown: without_passwords(script).into(),
            placeholders: placeholders(script),
            described,
        })))
    }

    fn get_parameter_types(&self, prepared: &Arc<Prepared>) -> PgWireResult<Vec<Type>> {
        Ok((0..prepared.placeholders).map(|index| prepared.parameter_type(index)).collect())
    }

    fn get_result_schema(
        &self,
        prepared: &Arc<Prepared>,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let fields = prepared.described.fields.as_deref().unwrap_or_default();
        let infos = field_infos(fields, format.unwrap_or(&Format::UnifiedText), &Arc::default());
        Ok(Arc::unwrap_or_clone(infos))
    }
}

impl Prepared {
    /// The type of a placeholder; text where the statement does not tell it.
    fn parameter_type(&self, index: usize) -> Type {
        match self.described.parameters.get(index) {
            None | Some(&Type::UNKNOWN) => Type::TEXT,
            Some(pg_type) => pg_type.clone(),
        }
    }
}

/// The literals for a portal's placeholders.
pub(super) fn literals(portal: &Portal<Arc<Prepared>>) -> PgWireResult<Vec<String>> {
    check_count(portal)?;
    let placeholders = portal.statement.statement.placeholders;
    let literals = (0..placeholders).map(|at| literal(portal, at, &parameter_type(portal, at)));
    literals.collect()
}

/// An error if a portal has not as many values as its statement has placeholders.
fn check_count(portal: &Portal<Arc<Prepared>>) -> PgWireResult<()> {
    let prepared = &portal.statement.statement;
    if portal.parameter_len() != prepared.placeholders {
        let (given, wanted) = (portal.parameter_len(), prepared.placeholders);
        let message = format!("expected {wanted} parameters, found {given}");
        return Err(Failure::new("08P01", message).into_wire(""));
    }
    Ok(())
}

/// The type of a value: the one that the client named, or the one that the statement tells.
fn parameter_type(portal: &Portal<Arc<Prepared>>, index: usize) -> Type {
    let given = portal.statement.parameter_types.get(index).cloned().flatten();
    let given = given.filter(|pg_type| *pg_type != Type::UNKNOWN);
    given.unwrap_or_else(|| portal.statement.statement.parameter_type(index))
}

/// The values for a portal's placeholders; `None` if one is not of its type, or NULL.
pub(super) fn values(
    portal: &Portal<Arc<Prepared>>,
    types: &[Option<DataType>],
) -> PgWireResult<Option<Vec<ArrayRef>>> {
    check_count(portal)?;
    let value = |(index, data_type): (usize, &Option<DataType>)| match data_type {
        Some(data_type) => value(portal, index, &parameter_type(portal, index), data_type),
        None => Ok(None),
    };
    types.iter().enumerate().map(value).collect()
}

fn several(position: usize) -> Failure {
    let message = "expected one statement to prepare, found several";
    Failure::new(sqlstate::SYNTAX_ERROR, message).at(position)
}
