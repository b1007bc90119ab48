//! The dialect's functions as clients list them: one for each way to call them.

use engine::function::{Definition, FunctionKind, Functions};

use super::objects::{Kind, Oids};
use crate::text::names;

/// One way to call a function.
#[derive(Debug)]
pub(super) struct FunctionSignature {
    pub oid: i32,
    /// The function's name in the client's case.
    pub name: String,
    pub kind: FunctionKind,
    /// What it takes, as it is shown: `items ARRAY<T>, value T`.
    pub arguments: &'static str,
    /// What it gives, as it is shown; empty where that depends on what it takes.
    pub result: &'static str,
    pub description: &'static str,
}

/// All ways to call all functions.
pub(super) fn signatures(functions: &Functions, oids: &Oids) -> Vec<FunctionSignature> {
    let definitions = functions.definitions();
    let each = |definition: &Definition| {
        let shown = definition.signatures.iter();
        shown.map(|shown| FunctionSignature::of(definition, shown, oids)).collect::<Vec<_>>()
    };
    definitions.flat_map(each).collect()
}

impl FunctionSignature {
    /// Takes apart what is shown of a function: `NAME(arguments) → result`.
    fn of(definition: &Definition, shown: &'static str, oids: &Oids) -> Self {
        let (call, result) = shown.split_once(" → ").unwrap_or((shown, ""));
        let arguments = call.split_once('(').map_or("", |(_, arguments)| arguments);
        Self {
            oid: oids.of(Kind::Function, shown),
            name: names::shown(definition.name).into_owned(),
            kind: definition.kind,
            arguments: arguments.strip_suffix(')').unwrap_or(arguments),
            result,
            description: definition.description,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_taken_apart() {
        let signatures = signatures(&Functions::builtin(), &Oids::default());
        let contains = signatures.iter().find(|each| each.name == "array_contains").unwrap();
        let shown = (contains.arguments, contains.result);
        assert_eq!(shown, ("items ARRAY<T>, value T", "BOOLEAN"));
    }
}
