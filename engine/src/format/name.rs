//! Names of formats, as statements and properties write them.

use std::fmt;

use super::Format;
use crate::error::{Code, Diagnostic, Error, Result, invalid};

/// Formats whose schemas a registry keeps.
const REGISTRY_NAMES: [&str; 4] = ["AVRO", "PROTOBUF", "PROTOBUF_NOSR", "JSON_SR"];

impl Format {
    /// Formats of this version.
    pub const NAMES: [&str; 5] = ["JSON", "DELIMITED", "KAFKA", "NONE", "ARROW"];

    /// The format called `name`, in any case, with the delimiter that the statement gives.
    pub fn parse(name: &str, delimiter: Option<&str>) -> Result<Self> {
        let format = match name.to_ascii_uppercase().as_str() {
            "DELIMITED" => {
                let delimiter = delimiter.map_or(Ok(','), parse_delimiter)?;
                return Ok(Self::Delimited { delimiter });
            }
            "JSON" => Self::Json,
            "KAFKA" => Self::Kafka,
            "NONE" => Self::None,
            "ARROW" => Self::Arrow,
            other if REGISTRY_NAMES.contains(&other) => return Err(needs_registry(other)),
            _ => return Err(unknown(name)),
        };
        match delimiter {
            Some(_) => Err(no_delimiter(&format)),
            None => Ok(format),
        }
    }

    /// The name of the format.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Delimited { .. } => "DELIMITED",
            Self::Kafka => "KAFKA",
            Self::None => "NONE",
            Self::Arrow => "ARROW",
        }
    }

    /// Whether `WRAP_SINGLE_VALUE` may be set to `wrapped`.
    pub fn check_wrapping(&self, wrapped: bool) -> Result<()> {
        let supported = match self {
            Self::Json => true,
            Self::Delimited { .. } | Self::Kafka => !wrapped,
            Self::None | Self::Arrow => false,
        };
        if supported {
            return Ok(());
        }
        let message =
            format!("format '{self}' does not support 'WRAP_SINGLE_VALUE' set to '{wrapped}'");
        let hint = "leave 'WRAP_SINGLE_VALUE' out";
        Err(Diagnostic::new(Code::InvalidValue, message).hint(hint).into())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A character, or the name of one that is easily overlooked.
fn parse_delimiter(text: &str) -> Result<char> {
    match text {
        _ if text.eq_ignore_ascii_case("SPACE") => return Ok(' '),
        _ if text.eq_ignore_ascii_case("TAB") => return Ok('\t'),
        _ if text.trim().is_empty() => {
            let message = "delimiter cannot be empty, if you meant to have a tab or space for \
                           delimiter, please use the special values 'TAB' or 'SPACE'";
            return Err(bad_delimiter(message.to_owned()));
        }
        _ => {}
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some('"'), None) => {
            Err(bad_delimiter("invalid delimiter value: '\"' is what quotes fields".into()))
        }
        (Some(delimiter), None) => Ok(delimiter),
        _ => Err(bad_delimiter(format!(
            "invalid delimiter value: '{text}'. delimiter must be a single character or TAB,SPACE"
        ))),
    }
}

fn bad_delimiter(message: String) -> Error {
    Diagnostic::new(Code::InvalidValue, message).hint("example valid value: ';'").into()
}

fn no_delimiter(format: &Format) -> Error {
    let message = format!("{format} does not support the following configs: [delimiter]");
    Diagnostic::new(Code::InvalidValue, message).hint("only DELIMITED has a delimiter").into()
}

fn needs_registry(name: &str) -> Error {
    invalid(
        Code::NotSupported,
        format!("the '{name}' format needs a schema registry, which this version does not have"),
    )
}

fn unknown(name: &str) -> Error {
    let message = format!("unknown format: {name}");
    Diagnostic::new(Code::InvalidValue, message).hint(near_miss(name)).into()
}

fn near_miss(name: &str) -> String {
    const DISTANCE_MAX: usize = 2;
    let upper = name.to_ascii_uppercase();
    let near = Format::NAMES
        .map(|known| (strsim::damerau_levenshtein(&upper, known), known))
        .into_iter()
        .filter(|(distance, _)| *distance <= DISTANCE_MAX)
        .min();
    let known = format!("the formats are {}", Format::NAMES.join(", "));
    match near {
        Some((_, near)) => format!("did you mean {near}? {known}"),
        None => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(name: &str, delimiter: Option<&str>) -> Diagnostic {
        match Format::parse(name, delimiter) {
            Err(Error::Invalid(diagnostic)) => diagnostic,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_fold_case() {
        assert_eq!(Format::parse("Json", None).unwrap(), Format::Json);
        let delimited = |delimiter| Format::Delimited { delimiter };
        assert_eq!(Format::parse("Delimited", None).unwrap(), delimited(','));
        assert_eq!(Format::parse("DELIMITED", Some("|")).unwrap(), delimited('|'));
        assert_eq!(Format::parse("DELIMITED", Some("SPACE")).unwrap(), delimited(' '));
        assert_eq!(Format::parse("DELIMITED", Some("tab")).unwrap(), delimited('\t'));
    }

    #[test]
    fn an_unknown_name_gets_a_near_miss_and_the_list() {
        let error = diagnostic("JSN", None);
        assert_eq!(error.message, "unknown format: JSN");
        let hint = "did you mean JSON? the formats are JSON, DELIMITED, KAFKA, NONE, ARROW";
        assert_eq!(error.hint.as_deref(), Some(hint));
        let error = diagnostic("XML_WITH_DTD", None);
        assert!(error.hint.unwrap().starts_with("the formats are"));
    }

    #[test]
    fn formats_of_a_registry_are_known_and_not_supported() {
        let error = diagnostic("avro", None);
        assert_eq!(error.code, Code::NotSupported);
        assert_eq!(
            error.message,
            "the 'AVRO' format needs a schema registry, which this version does not have"
        );
    }

    #[test]
    fn a_delimiter_is_one_visible_character_of_a_format_that_has_one() {
        let message = |name, delimiter| diagnostic(name, Some(delimiter)).message;
        assert!(message("JSON", "|").contains("configs: [delimiter]"));
        assert!(message("DELIMITED", "<~>").contains("'<~>'"));
        assert!(message("DELIMITED", "\t").starts_with("delimiter cannot be empty"));
        assert!(message("DELIMITED", "\"").contains("quotes fields"));
    }

    #[test]
    fn wrapping_is_for_formats_with_names() {
        assert!(Format::Json.check_wrapping(true).is_ok());
        assert!(Format::Kafka.check_wrapping(false).is_ok());
        let error = Format::Kafka.check_wrapping(true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "format 'KAFKA' does not support 'WRAP_SINGLE_VALUE' set to 'true'"
        );
    }
}
