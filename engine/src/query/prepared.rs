//! Queries that are prepared: settled once, and asked again and again with other values.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use parking_lot::Mutex;
use sql::ast::{Query, Select, Statement, StatementKind};

use super::lookup::Lookup;
use crate::describe::take_parameters;
use crate::engine::Shared;
use crate::error::Result;
use crate::outcome::Rows;
use crate::session::Session;

/// A query of a table's rows by their key, which holds placeholders (`$1`).
pub struct PreparedQuery {
    select: Select,
    parameters: Vec<Option<DataType>>,
    settled: Mutex<Settled>,
}

/// What a query is by one version of the catalog.
#[derive(Clone)]
struct Settled {
    version: u64,
    lookup: Option<Arc<Lookup>>,
}

impl Session {
    /// Prepares a statement. `None`: it is not a query of a table's rows by their key, and is to
    /// be executed with its values in the places of its placeholders.
    pub fn prepare(&self, statement: &Statement) -> Result<Option<PreparedQuery>> {
        let StatementKind::Query(Query::Select(select)) = &statement.kind else { return Ok(None) };
        let parameters = take_parameters(&self.shared.catalog(), &mut statement.kind.clone());
        let settled = Settled::now(&self.shared, select, &parameters)?;
        Ok(settled.lookup.is_some().then(|| PreparedQuery {
            select: select.as_ref().clone(),
            parameters,
            settled: Mutex::new(settled),
        }))
    }

    /// Asks a prepared query. `values` has an array of one value for each placeholder, of the
    /// type that [`PreparedQuery::parameters`] names; none is NULL. `None`: by the catalog as it
    /// is now it can no longer be asked like this.
    pub fn ask(&self, query: &PreparedQuery, values: &[ArrayRef]) -> Result<Option<Rows>> {
        let lookup = query.lookup(&self.shared)?;
        lookup.map(|lookup| lookup.rows(&self.shared, values)).transpose()
    }
}

impl PreparedQuery {
    /// The types of its placeholders, `$1` first; `None` for a number that it leaves out.
    pub fn parameters(&self) -> &[Option<DataType>] {
        &self.parameters
    }

    fn lookup(&self, shared: &Shared) -> Result<Option<Arc<Lookup>>> {
        let mut settled = self.settled.lock();
        if settled.version != shared.catalog.read().version {
            *settled = Settled::now(shared, &self.select, &self.parameters)?;
        }
        Ok(settled.lookup.clone())
    }
}

impl Settled {
    fn now(shared: &Shared, select: &Select, parameters: &[Option<DataType>]) -> Result<Self> {
        let catalog = shared.catalog();
        let lookup = Lookup::plan(shared, &catalog, select, parameters)?;
        Ok(Self { version: catalog.version, lookup: lookup.map(Arc::new) })
    }
}
