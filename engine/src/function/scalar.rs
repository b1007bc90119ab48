//! A scalar function of the dialect as DataFusion sees it.
//!
//! One implementation of `ScalarUDFImpl` serves all: a function is its [`Definition`], whose
//! signatures decide about types, and a kernel, which computes a batch. Choosing among several
//! signatures follows ksqlDB: one that fits exactly, else the only one that fits with implicit
//! casts; if several would, the call is ambiguous and refused.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::arguments::Arguments;
use super::signature::{Bound, Variant};
use super::{Definition, FunctionKind, Implementation, Origin};
use crate::types::sql_name;

/// Computes a column from the arguments' columns.
pub(super) type Kernel = fn(&Arguments) -> Result<ArrayRef>;

/// The type of the result, where a signature cannot say it.
pub(super) type ReturnType = fn(&[DataType]) -> Result<DataType>;

/// A function whose result depends on nothing but its arguments: name, description, signatures,
/// examples, and the kernel that computes it.
pub(super) fn define(
    name: &'static str,
    description: &'static str,
    signatures: &'static [&'static str],
    examples: &'static [(&'static str, &'static str)],
    kernel: Kernel,
) -> Scalar {
    let kind = FunctionKind::Scalar;
    let origin = Origin::Dialect;
    Scalar::new(Definition { name, kind, origin, description, signatures, examples }, kernel)
}

/// A scalar function, or a table function that gives a list per row.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    definition: Definition,
    overloads: Overloads,
    kernel: Kernel,
    return_type: Option<ReturnType>,
    signature: Signature,
}

impl Scalar {
    fn new(definition: Definition, kernel: Kernel) -> Self {
        Self {
            overloads: Overloads::new(&definition),
            definition,
            kernel,
            return_type: None,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    /// Makes it a function that may give another result each time.
    pub(super) fn volatile(self) -> Self {
        Self { signature: Signature::user_defined(Volatility::Volatile), ..self }
    }

    /// Makes it a table function: each item of the list that it gives is a row.
    pub(super) fn table(mut self) -> Self {
        self.definition.kind = FunctionKind::Table;
        self
    }

    /// Computes the result type from the argument types instead of the signature.
    pub(super) fn returning(self, return_type: ReturnType) -> Self {
        Self { return_type: Some(return_type), ..self }
    }

    /// The function as it is registered.
    pub(super) fn register(self) -> (Definition, Implementation) {
        let definition = self.definition.clone();
        let function = Arc::new(ScalarUDF::new_from_impl(self));
        let implementation = match definition.kind {
            FunctionKind::Table => Implementation::Table(function),
            _ => Implementation::Scalar(function),
        };
        (definition, implementation)
    }

    fn is_volatile(&self) -> bool {
        self.signature.volatility == Volatility::Volatile
    }
}

/// Functions are told apart by their names: the registry holds one of each.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.definition.name == other.definition.name
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.definition.name.hash(state);
    }
}

impl ScalarUDFImpl for Scalar {
    fn name(&self) -> &str {
        self.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.overloads.choose(arg_types)?.parameters)
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        if let Some(return_type) = self.return_type {
            return return_type(arg_types);
        }
        match self.overloads.choose(arg_types)?.result {
            Some(result) => Ok(result),
            None => plan_err!(
                "cannot infer the type of {} from NULL: cast the NULL, as in CAST(NULL AS STRING)",
                self.definition.name
            ),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = !self.is_volatile()
            && args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let return_type = args.return_field.data_type().clone();
        let array = (self.kernel)(&Arguments::new(&args.args, rows, return_type)?)?;
        match constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)),
            false => Ok(ColumnarValue::Array(array)),
        }
    }
}

/// The signatures of a function.
#[derive(Debug, Clone)]
pub(super) struct Overloads {
    name: &'static str,
    texts: &'static [&'static str],
    variants: Vec<Variant>,
}

impl Overloads {
    pub(super) fn new(definition: &Definition) -> Self {
        let parse =
            |text: &&str| Variant::parse(text).expect("a built-in signature is well-formed");
        let variants = definition.signatures.iter().map(parse).collect();
        Self { name: definition.name, texts: definition.signatures, variants }
    }

    /// The signature that fits, or an error that lists them all.
    pub(super) fn choose(&self, arguments: &[DataType]) -> Result<Bound> {
        for casts in [false, true] {
            let mut fitting = self.variants.iter().filter_map(|v| v.bind(arguments, casts));
            match (fitting.next(), fitting.next()) {
                (Some(bound), None) => return Ok(bound),
                (Some(_), Some(_)) => return plan_err!("{}", self.ambiguous(arguments)),
                _ => {}
            }
        }
        plan_err!("{}", self.mismatch(&names(arguments)))
    }

    /// What to say when no signature takes arguments of these types.
    pub(super) fn mismatch(&self, types: &str) -> String {
        format!(
            "function '{}' does not accept parameters ({types}).\n{}",
            self.name.to_lowercase(),
            self.alternatives()
        )
    }

    fn ambiguous(&self, arguments: &[DataType]) -> String {
        format!(
            "function '{}' cannot be resolved due to ambiguous method parameters ({}).\n\
             use CAST() to explicitly cast your parameters to one of the supported signatures\n{}",
            self.name.to_lowercase(),
            names(arguments),
            self.alternatives()
        )
    }

    fn alternatives(&self) -> String {
        format!("valid alternatives are:\n{}", self.texts.join("\n"))
    }
}

/// The names of types, separated by commas.
pub(super) fn names(types: &[DataType]) -> String {
    types.iter().map(sql_name).collect::<Vec<_>>().join(", ")
}
