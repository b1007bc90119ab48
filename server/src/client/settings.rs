//! The Postgres settings that clients set and ask for.
//!
//! What a client sets is kept and shown again. Those of them that change how values are written
//! (`DateStyle`, `extra_float_digits`, `bytea_output`, …) are honoured; the rest means nothing here, as
//! `client_min_messages`. Settings of the dialect (`auto.offset.reset`) are the engine session's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pgwire::types::format::FormatOptions;

/// A setting: its name as it is shown, its default, a sentence for `SHOW ALL`.
struct Definition {
    name: &'static str,
    default: &'static str,
    description: &'static str,
    /// Whether clients are told of every change (`ParameterStatus`).
    reported: bool,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    description: &'static str,
) -> Definition {
    Definition { name, default, description, reported: false }
}

const fn reported(
    name: &'static str,
    default: &'static str,
    description: &'static str,
) -> Definition {
    Definition { name, default, description, reported: true }
}

/// The Postgres version whose behaviour clients may expect.
pub(crate) const SERVER_VERSION: &str = "15.0";

/// All settings, by lower-case name.
const DEFINITIONS: &[Definition] = &[
    reported("application_name", "", "name of the client's program"),
    setting("bytea_output", "hex", "how bytes are written in text format"),
    reported("client_encoding", "UTF8", "encoding of texts; always UTF8"),
    setting("client_min_messages", "notice", "accepted, and without effect"),
    reported("DateStyle", "ISO, MDY", "how dates and times are written in text format"),
    reported("default_transaction_read_only", "off", "accepted, and without effect"),
    setting("default_transaction_isolation", "read committed", "accepted, and without effect"),
    setting("extra_float_digits", "1", "how many digits of a DOUBLE are written"),
    setting(
        "idle_in_transaction_session_timeout",
        "0",
        "how long a client may be idle in a transaction, in ms; 0 is for ever",
    ),
    setting("idle_session_timeout", "0", "how long a client may be idle, in ms; 0 is for ever"),
    reported("in_hot_standby", "off", "always off"),
    reported("integer_datetimes", "on", "always on"),
    reported("IntervalStyle", "postgres", "how intervals are written in text format"),
    setting("jit", "off", "accepted, and without effect"),
    setting("lc_collate", "C", "always C"),
    setting("lc_ctype", "C", "always C"),
    setting("lc_messages", "C", "always C"),
    setting("lock_timeout", "0", "accepted, and without effect"),
    setting("max_identifier_length", "63", "accepted, and without effect"),
    setting("max_index_keys", "32", "always 32"),
    setting("row_security", "off", "accepted, and without effect"),
    reported("search_path", "public", "accepted, and without effect"),
    reported("server_encoding", "UTF8", "always UTF8"),
    reported("server_version", SERVER_VERSION, "the Postgres version that clients may expect"),
    setting("server_version_num", "150000", "the same as a number"),
    reported("session_authorization", "", "the user of the session"),
    reported("standard_conforming_strings", "on", "always on"),
    setting("statement_timeout", "0", "how long a statement may run, in ms; 0 is for ever"),
    setting("synchronous_commit", "on", "accepted, and without effect"),
    reported("TimeZone", "UTC", "times are not converted: TIMESTAMP has no zone"),
    setting("transaction_isolation", "read committed", "accepted, and without effect"),
    setting("transaction_read_only", "off", "accepted, and without effect"),
];

/// A setting as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown<'a> {
    pub name: &'static str,
    pub value: &'a str,
    pub default: &'static str,
    pub description: &'static str,
}

/// The settings of one client.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, String>,
    startup: BTreeMap<&'static str, String>,
}

impl Settings {
    /// The settings of a client that gave these parameters as it connected.
    pub fn at_startup<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let known =
            parameters.filter_map(|(name, value)| Some((definition(name)?.name, value.into())));
        let startup: BTreeMap<_, String> = known.collect();
        Self { values: startup.clone(), startup }
    }

    /// Whether there is a setting of that name, whatever its case.
    pub fn is_known(name: &str) -> bool {
        definition(name).is_some()
    }

    /// Sets a value; gives name and value where clients are told of the change.
    pub fn set(&mut self, name: &str, value: &str) -> Option<(&'static str, String)> {
        let definition = definition(name)?;
        self.values.insert(definition.name, value.to_owned());
        definition.reported.then(|| (definition.name, value.to_owned()))
    }

    /// Goes back to the value that the session began with.
    pub fn reset(&mut self, name: &str) -> Option<(&'static str, String)> {
        let definition = definition(name)?;
        let startup = self.startup.get(definition.name).cloned();
        self.set(name, &startup.unwrap_or_else(|| definition.default.to_owned()))
    }

    /// Goes back to all values that the session began with.
    pub fn reset_all(&mut self) -> Vec<(&'static str, String)> {
        let changed: Vec<_> = self.values.keys().copied().collect();
        changed.into_iter().filter_map(|name| self.reset(name)).collect()
    }

    /// The name as it is shown, and the value.
    pub fn get(&self, name: &str) -> Option<(&'static str, &str)> {
        let definition = definition(name)?;
        Some((definition.name, self.value(definition)))
    }

    /// A setting that is a length of time; `None` is for ever.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        let (_, value) = self.get(name)?;
        duration(value).filter(|timeout| !timeout.is_zero())
    }

    /// The name of the client's program.
    pub fn application_name(&self) -> &str {
        self.get("application_name").map_or("", |(_, value)| value)
    }

    /// Every setting.
    pub fn all(&self) -> impl Iterator<Item = Shown<'_>> {
        DEFINITIONS.iter().map(|definition| Shown {
            name: definition.name,
            value: self.value(definition),
            default: definition.default,
            description: definition.description,
        })
    }

    /// Name and value of what clients are told as they connect.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, &str)> {
        DEFINITIONS.iter().filter(|each| each.reported).map(|each| (each.name, self.value(each)))
    }

    /// How values are written in text format.
    pub fn format_options(&self) -> Arc<FormatOptions> {
        let text = |name| self.get(name).map_or(String::new(), |(_, value)| value.to_owned());
        let mut options = FormatOptions::default();
        options.date_style = text("DateStyle");
        options.interval_style = text("IntervalStyle");
        options.bytea_output = text("bytea_output");
        if let Ok(digits) = text("extra_float_digits").parse() {
            options.extra_float_digits = digits;
        }
        Arc::new(options)
    }

    fn value<'a>(&'a self, definition: &'a Definition) -> &'a str {
        self.values.get(definition.name).map_or(definition.default, String::as_str)
    }
}

/// A length of time as Postgres writes it: milliseconds, or a number and a unit.
fn duration(value: &str) -> Option<Duration> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (count, unit) = value.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let ms = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(count.checked_mul(ms)?))
}

/// Settings that are lengths of time.
const TIMEOUTS: [&str; 3] =
    ["idle_in_transaction_session_timeout", "idle_session_timeout", "statement_timeout"];

/// Why a setting cannot have a value; `None` if it can.
pub(crate) fn objection(name: &str, value: &str) -> Option<&'static str> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    let utf8 = ["utf8", "utf-8", "unicode"].iter().any(|known| value.eq_ignore_ascii_case(known));
    if is("client_encoding") && !utf8 {
        Some("expected UTF8, the only encoding there is")
    } else if TIMEOUTS.iter().any(|timeout| is(timeout)) && duration(value).is_none() {
        Some("expected a number of milliseconds, or a number with the unit ms, s, min, h or d")
    } else {
        None
    }
}

fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|each| each.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_values_can_be_wrong() {
        assert_eq!(duration("1500"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("2 min"), Some(Duration::from_secs(120)));
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert!(objection("statement_timeout", "soon").is_some());
        assert!(objection("Client_Encoding", "LATIN1").is_some());
        assert!(objection("client_encoding", "utf-8").is_none());
        assert_eq!(Settings::default().duration("statement_timeout"), None);
        assert!(objection("idle_session_timeout", "5 apples").is_some());
    }

    #[test]
    fn names_have_no_case_and_values_come_back() {
        let mut settings =
            Settings::at_startup([("application_name", "psql"), ("user", "x")].into_iter());
        assert_eq!(settings.get("APPLICATION_NAME"), Some(("application_name", "psql")));
        assert_eq!(settings.set("datestyle", "German"), Some(("DateStyle", "German".into())));
        assert_eq!(settings.format_options().date_style, "German");
        assert_eq!(settings.set("application_name", "other").unwrap().1, "other");
        assert_eq!(settings.reset("application_name").unwrap().1, "psql");
        assert_eq!(settings.get("user"), None);
        settings.reset_all();
        assert_eq!(settings.get("datestyle"), Some(("DateStyle", "ISO, MDY")));
    }
}
