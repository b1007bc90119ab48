//! Functions that clients call on the catalog and `datafusion-pg-catalog` does not have, or answers
//! for a catalog without keys and comments.
//!
//! Many answer the same whatever they are asked, because there is nothing here that they could
//! tell of: permissions, triggers, rules.

mod array;
mod array_text;
mod constant;
mod described;
mod order;
mod setting;
mod visible;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Signature, TypeSignature, Volatility};
use datafusion::prelude::SessionContext;

use super::schema::Sources;
use super::{Asker, DATABASE, OWNER_NAME};
use crate::client::settings::SERVER_VERSION;

/// Adds the functions, as `asker` sees them.
pub(super) fn register(context: &SessionContext, sources: &Sources, asker: Asker) {
    let version = format!("PostgreSQL {SERVER_VERSION} (Millstream {})", env!("CARGO_PKG_VERSION"));
    constant::register(context, "version", text(&version));
    for name in ["current_user", "session_user", "current_role", "user"] {
        constant::register(context, name, text(&asker.user));
    }
    constant::register(context, "current_catalog", text(DATABASE));
    constant::register(context, "pg_get_userbyid", text(OWNER_NAME));
    constant::register(context, "pg_backend_pid", ScalarValue::Int32(Some(asker.process_id)));
    for name in VISIBLE {
        constant::register(context, name, ScalarValue::Boolean(Some(true)));
    }
    for name in UNKNOWN_TEXTS {
        constant::register(context, name, ScalarValue::Utf8(None));
    }
    for name in UNKNOWN_SIZES {
        constant::register(context, name, ScalarValue::Int64(None));
    }
    // UTF8, as Postgres numbers encodings.
    constant::register(context, "pg_char_to_encoding", ScalarValue::Int32(Some(6)));
    constant::register(context, "pg_encoding_to_char", text("UTF8"));
    constant::register(context, "pg_is_in_recovery", ScalarValue::Boolean(Some(false)));
    let objects = sources.objects();
    described::register(context, &objects, &sources.signatures);
    visible::register(context, &objects);
    order::register(context, &sources.sessions);
    array::register(context);
    array_text::register(context);
    setting::register(context, asker.settings);
}

/// Whether an object can be named without its schema: of these there is one schema.
/// For relations see [`visible`].
const VISIBLE: &[&str] = &[
    "pg_function_is_visible",
    "pg_type_is_visible",
    "pg_collation_is_visible",
    "pg_operator_is_visible",
    "pg_opclass_is_visible",
    "pg_conversion_is_visible",
    "pg_statistics_obj_is_visible",
    "pg_ts_config_is_visible",
    "pg_ts_dict_is_visible",
    "pg_ts_parser_is_visible",
    "pg_ts_template_is_visible",
];

/// Bytes of things, of which nobody keeps account.
const UNKNOWN_SIZES: &[&str] = &[
    "pg_database_size",
    "pg_indexes_size",
    "pg_relation_size",
    "pg_table_size",
    "pg_total_relation_size",
];

/// Texts that nothing here has.
const UNKNOWN_TEXTS: &[&str] = &[
    "pg_size_pretty",
    "shobj_description",
    "pg_get_viewdef",
    "pg_get_triggerdef",
    "pg_get_ruledef",
    "pg_get_functiondef",
    "pg_get_function_sqlbody",
    "pg_get_serial_sequence",
    "pg_tablespace_location",
    "inet_server_addr",
    "inet_client_addr",
];

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

/// Any number of arguments of any type.
fn any_arguments(volatility: Volatility) -> Signature {
    Signature::one_of(vec![TypeSignature::Nullary, TypeSignature::VariadicAny], volatility)
}
