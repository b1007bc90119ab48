//! Paths into a JSON document: `$.field.other[0]['third']`.

use datafusion::common::{Result, exec_err};
use serde_json::Value;

/// A parsed path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    /// An index that no array has, such as -1.
    Nowhere,
}

impl JsonPath {
    /// Reads a path, which starts at the document: `$`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let Some(mut rest) = text.strip_prefix('$') else {
            return exec_err!("invalid JSON path '{text}': it must start with '$'");
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let Some((step, after)) = parse_step(rest) else {
                return exec_err!(
                    "invalid JSON path '{text}': expected .field, [index] or ['field'] at '{rest}'"
                );
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self { steps })
    }

    /// What the path leads to.
    pub(super) fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(document, |value, step| match step {
            Step::Field(name) => value.as_object()?.get(name),
            Step::Index(index) => value.as_array()?.get(*index),
            Step::Nowhere => None,
        })
    }
}

/// The first step and the text after it.
fn parse_step(text: &str) -> Option<(Step, &str)> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        return (!name.is_empty()).then(|| (Step::Field(name.to_owned()), after));
    }
    let rest = text.strip_prefix('[')?;
    for quote in ['"', '\''] {
        if let Some(quoted) = rest.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote)?;
            return Some((Step::Field(name.to_owned()), after.strip_prefix(']')?));
        }
    }
    let (index, after) = rest.split_once(']')?;
    let index: i64 = index.trim().parse().ok()?;
    Some((usize::try_from(index).map_or(Step::Nowhere, Step::Index), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let document = serde_json::json!({"a": {"@b": [10, {"c d": 20}]}});
        let cases = [
            ("$.a.@b[0]", Some("10")),
            ("$.a['@b'][1][\"c d\"]", Some("20")),
            ("$.a.@b[-1]", None),
            ("$.missing.field", None),
        ];
        for (path, found) in cases {
            let path = JsonPath::parse(path).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(path.find(&document).map(Value::to_string).as_deref(), found);
        }
    }

    #[test]
    fn malformed_paths_are_refused() {
        for path in ["a.b", "$a", "$.", "$[x]", "$['a]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
