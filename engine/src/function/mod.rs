//! Functions: each defined once, with its name, signatures, description and example, from
//! which `SHOW FUNCTIONS`, `DESCRIBE FUNCTION` and the reference page are made.
//!
//! A family of functions is a file, and a function in it is one entry of its table: what users
//! read and the kernel that computes a batch. [`operator`] holds what expressions are made of
//! besides functions: arithmetic, casts, subscripts, constructors.

mod arguments;
mod array;
mod borrowed;
pub mod call;
mod coercion;
pub mod datetime;
mod elements;
mod encoding;
mod equality;
mod extremes;
mod java_number;
mod java_regex;
mod java_text;
mod json;
mod json_path;
mod json_text;
mod lambda;
mod map;
mod mask;
mod nested;
mod null;
mod numeric;
pub mod operator;
mod reference;
mod regexp;
mod rounding;
mod scalar;
mod sequence;
mod signature;
mod string;
mod table;
#[cfg(test)]
mod tests;
mod trigonometry;
mod url;

pub use coercion::common_type;
pub(crate) use coercion::entry_types;
pub(crate) use encoding::from_base64;
pub(crate) use java_text::java_texts;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::logical_expr::{HigherOrderUDF, ScalarUDF};

use crate::aggregate::AggregateFunction;

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// One value per row.
    Scalar,
    /// Rows per row.
    Table,
    /// One value per group.
    Aggregate,
}

/// Where a function comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is a function of the dialect.
    Dialect,
    /// It is DataFusion's, under a name that the dialect does not have.
    DataFusion,
}

/// What users see of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Canonical name, upper case.
    pub name: &'static str,
    /// What it is.
    pub kind: FunctionKind,
    /// Where it comes from.
    pub origin: Origin,
    /// A sentence or two.
    pub description: &'static str,
    /// Signatures as shown: `SUBSTRING(value STRING, pos INTEGER[, len INTEGER]) → STRING`.
    pub signatures: &'static [&'static str],
    /// A call, and its result: `SUBSTRING('stream', 1, 3)`, `'str'`.
    pub examples: &'static [(&'static str, &'static str)],
}

/// How a function is run.
#[derive(Debug, Clone)]
pub enum Implementation {
    /// A scalar function without lambdas.
    Scalar(Arc<ScalarUDF>),
    /// A scalar function that takes lambdas.
    HigherOrder(Arc<HigherOrderUDF>),
    /// A table function: a scalar function that gives a list per row, one output row each.
    Table(Arc<ScalarUDF>),
    /// An aggregate.
    Aggregate(Arc<dyn AggregateFunction>),
}

/// All functions by upper-case name.
#[derive(Debug, Default)]
pub struct Functions {
    by_name: BTreeMap<&'static str, (Definition, Implementation)>,
}

impl Functions {
    /// The functions that the engine brings: the dialect's, and DataFusion's of other names.
    pub fn builtin() -> Self {
        let mut functions = Self::default();
        for (definition, implementation) in borrowed::functions() {
            functions.add(definition, implementation);
        }
        functions.add_scalars();
        for (definition, aggregate) in crate::aggregate::builtin() {
            functions.add(definition, Implementation::Aggregate(aggregate));
        }
        functions
    }

    /// Adds the scalar and table functions, with and without lambdas.
    fn add_scalars(&mut self) {
        let families: [fn() -> Vec<scalar::Scalar>; 15] = [
            array::functions,
            datetime::functions,
            encoding::functions,
            extremes::functions,
            json::functions,
            map::functions,
            mask::functions,
            null::functions,
            numeric::functions,
            regexp::functions,
            rounding::functions,
            string::functions,
            table::functions,
            trigonometry::functions,
            url::functions,
        ];
        let scalars = families.iter().flat_map(|family| family()).map(scalar::Scalar::register);
        for (definition, implementation) in scalars.chain(lambda::functions()) {
            self.add(definition, implementation);
        }
    }

    /// Adds a function; a later one of the same name takes its place.
    pub fn add(&mut self, definition: Definition, implementation: Implementation) {
        self.by_name.insert(definition.name, (definition, implementation));
    }

    /// The function of that name, whatever its case.
    pub fn get(&self, name: &str) -> Option<&(Definition, Implementation)> {
        self.by_name.get(name.to_ascii_uppercase().as_str())
    }

    /// All of them by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Definition, &Implementation)> {
        self.by_name.values().map(|(definition, implementation)| (definition, implementation))
    }

    /// Definitions by name.
    pub fn definitions(&self) -> impl Iterator<Item = &Definition> {
        self.by_name.values().map(|(definition, _)| definition)
    }
}
