//! What DataFusion's planner asks about names: streams and tables of the catalog, and functions.
//!
//! The dialect's functions take the place of DataFusion's of the same name; those that only
//! DataFusion has can be called as well.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::TableReference;
use datafusion::common::config::ConfigOptions;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner};
use datafusion::logical_expr::{AggregateUDF, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use datafusion::prelude::SessionContext;

use super::interval;
use super::table::Reading;
use crate::aggregate::{AggregateUdf, Settings};
use crate::catalog::Catalog;
use crate::function::{Implementation, Origin};
use crate::session::Session;
use crate::system;

/// The names that a query may use.
pub struct Names<'a> {
    session: &'a Session,
    reading: &'a Reading,
    catalog: Arc<Catalog>,
    functions: Functions,
    options: ConfigOptions,
    planners: Vec<Arc<dyn ExprPlanner>>,
}

#[derive(Default)]
struct Functions {
    scalar: HashMap<String, Arc<ScalarUDF>>,
    higher_order: HashMap<String, Arc<HigherOrderUDF>>,
    aggregate: HashMap<String, Arc<AggregateUDF>>,
    window: HashMap<String, Arc<WindowUDF>>,
}

impl<'a> Names<'a> {
    /// The names of a session, for a query that reads at one point.
    pub fn new(session: &'a Session, reading: &'a Reading, context: &SessionContext) -> Self {
        let state = context.state();
        let mut functions = Functions::default();
        let upper = |name: &str| name.to_uppercase();
        functions
            .scalar
            .extend(state.scalar_functions().iter().map(|(n, f)| (upper(n), Arc::clone(f))));
        functions
            .aggregate
            .extend(state.aggregate_functions().iter().map(|(n, f)| (upper(n), Arc::clone(f))));
        functions
            .window
            .extend(state.window_functions().iter().map(|(n, f)| (upper(n), Arc::clone(f))));
        let ours = session.shared.functions.iter();
        for (definition, implementation) in ours.filter(|(d, _)| d.origin == Origin::Dialect) {
            functions.add(definition.name, implementation);
        }
        let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(interval::Products)];
        planners.extend_from_slice(state.expr_planners());
        Self {
            session,
            reading,
            catalog: session.shared.catalog(),
            functions,
            options: state.config_options().as_ref().clone(),
            planners,
        }
    }
}

impl Functions {
    fn add(&mut self, name: &str, implementation: &Implementation) {
        match implementation {
            Implementation::Scalar(function) | Implementation::Table(function) => {
                self.scalar.insert(name.to_owned(), Arc::clone(function));
            }
            Implementation::HigherOrder(function) => {
                self.higher_order.insert(name.to_owned(), Arc::clone(function));
            }
            Implementation::Aggregate(function) => {
                let udaf = AggregateUdf::new(Arc::clone(function), Settings::default());
                self.aggregate.insert(name.to_owned(), Arc::new(udaf.into()));
            }
        }
    }
}

impl ContextProvider for Names<'_> {
    fn get_table_source(
        &self,
        name: TableReference,
    ) -> datafusion::common::Result<Arc<dyn TableSource>> {
        if name.schema() == Some(system::SCHEMA) {
            return Ok(provider_as_source(system::provider(&self.session.shared, name.table())?));
        }
        let source = self.catalog.source(name.table())?;
        Ok(provider_as_source(self.reading.provider(self.session, source)?))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions.scalar.get(&name.to_uppercase()).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.functions.higher_order.get(&name.to_uppercase()).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate.get(&name.to_uppercase()).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.functions.window.get(&name.to_uppercase()).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.functions.higher_order.keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.functions.window.keys().cloned().collect()
    }
}
