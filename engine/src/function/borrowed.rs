//! DataFusion's own functions, wherever the dialect has none of that name.
//!
//! They take part in every kind of query. What they give is brought into the dialect's types, see
//! [`super::call::scalar_call`].

use std::sync::{Arc, LazyLock};

use datafusion::functions::all_default_functions;
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::functions_nested::all_default_nested_functions;
use datafusion::logical_expr::{AggregateUDF, Documentation, ScalarUDF};

use super::{Definition, FunctionKind, Implementation, Origin};
use crate::aggregate::External;

/// Functions that cannot be called: they look at a clock or at what lies around the query, deal
/// with types that the dialect does not have, need an order of their rows (`WITHIN GROUP`), have a
/// name that means something else to the parser, or are rewritten by DataFusion's optimizer, which
/// persistent queries do not pass.
const LEFT_OUT: &[&str] = &[
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "arrow_cast",
    "arrow_field",
    "arrow_metadata",
    "arrow_try_cast",
    "arrow_typeof",
    "cast_to_type",
    "current_date",
    "current_time",
    "file_row_index",
    "get_field",
    "grouping",
    "input_file_name",
    "left",
    "map",
    "named_struct",
    "now",
    "nvl2",
    "percentile_cont",
    "right",
    "struct",
    "try_cast_to_type",
    "union_extract",
    "union_tag",
    "version",
    "with_metadata",
];

/// Every function of DataFusion that can be called, aliases included.
pub(super) fn functions() -> impl Iterator<Item = (Definition, Implementation)> {
    static ALL: LazyLock<Vec<(Definition, Implementation)>> = LazyLock::new(all);
    ALL.iter().cloned()
}

fn all() -> Vec<(Definition, Implementation)> {
    let scalars = all_default_functions().into_iter().chain(all_default_nested_functions());
    let scalars = scalars.filter(|function| !is_left_out(function.name())).flat_map(scalar);
    let aggregates = all_default_aggregate_functions().into_iter();
    let aggregates = aggregates.filter(|function| !is_left_out(function.name()));
    scalars.chain(aggregates.flat_map(aggregate)).collect()
}

fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name)
}

fn scalar(function: Arc<ScalarUDF>) -> Vec<(Definition, Implementation)> {
    let implementation = Implementation::Scalar(Arc::clone(&function));
    let definitions = definitions(
        function.name(),
        function.aliases(),
        function.documentation(),
        FunctionKind::Scalar,
    );
    definitions.map(|definition| (definition, implementation.clone())).collect()
}

fn aggregate(function: Arc<AggregateUDF>) -> Vec<(Definition, Implementation)> {
    let implementation = Implementation::Aggregate(Arc::new(External::new(Arc::clone(&function))));
    let kind = FunctionKind::Aggregate;
    let definitions =
        definitions(function.name(), function.aliases(), function.documentation(), kind);
    definitions.map(|definition| (definition, implementation.clone())).collect()
}

/// A definition for each name. The texts live as long as the program, as those of our own do.
fn definitions<'a>(
    name: &'a str,
    aliases: &'a [String],
    documentation: Option<&'a Documentation>,
    kind: FunctionKind,
) -> impl Iterator<Item = Definition> + 'a {
    let names = std::iter::once(name).chain(aliases.iter().map(String::as_str));
    names.map(move |alias| {
        let name: &str = alias.to_uppercase().leak();
        let signature: &str = signature(name, documentation).leak();
        Definition {
            name,
            kind,
            origin: Origin::DataFusion,
            description: description(documentation).leak(),
            signatures: vec![signature].leak(),
            examples: &[],
        }
    })
}

/// The first paragraph of the description, on one line.
fn description(documentation: Option<&Documentation>) -> String {
    let text = documentation.map_or("", |documentation| documentation.description.trim());
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.ends_with('.') {
        true => line,
        false => format!("{line}."),
    }
}

/// The call as DataFusion's documentation has it, under the name in question.
fn signature(name: &str, documentation: Option<&Documentation>) -> String {
    let example = documentation.map_or("", |documentation| documentation.syntax_example.as_str());
    match example.split_once('(') {
        Some((_, arguments)) => format!("{name}({}", arguments.trim()),
        None => format!("{name}(…)"),
    }
}
