//! The words of the dialect: which exist, and which cannot be used as names without quotes.
//!
//! Far fewer words are reserved than exist. A word is reserved only where the grammar could not
//! tell it from a name; `STREAM`, `KEY`, `SIZE` or `EMIT` are fine names for a column.

/// A word that means something to the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// The word, in upper case.
    pub word: &'static str,
    /// True if it names nothing unless it is quoted.
    pub reserved: bool,
}

/// Words that need quotes to be names, in alphabetical order.
const RESERVED: &[&str] = &[
    "AND",
    "AS",
    "BETWEEN",
    "CASE",
    "CAST",
    "CREATE",
    "CROSS",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NATURAL",
    "NOT",
    "NULL",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "RIGHT",
    "SELECT",
    "THEN",
    "TRUE",
    "UNION",
    "USING",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];

/// Words that mean something in their place and are names elsewhere, in alphabetical order.
const UNRESERVED: &[&str] = &[
    "ADD",
    "ADVANCE",
    "ALL",
    "ALTER",
    "ANALYZE",
    "ARRAY",
    "ASC",
    "ASSERT",
    "BACKUP",
    "BEGINNING",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "BYTES",
    "CATALOG",
    "CHANGES",
    "COLUMN",
    "COLUMNS",
    "CONNECTOR",
    "CONNECTORS",
    "CONSUMER",
    "DATE",
    "DAY",
    "DAYS",
    "DECIMAL",
    "DEFINE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DOUBLE",
    "EMIT",
    "ESCAPE",
    "EXPLAIN",
    "EXPORT",
    "EXTENDED",
    "FINAL",
    "FUNCTION",
    "FUNCTIONS",
    "GRACE",
    "GROUPS",
    "HEADER",
    "HEADERS",
    "HOPPING",
    "HOUR",
    "HOURS",
    "ID",
    "IF",
    "INT",
    "INTEGER",
    "INTERVAL",
    "KEY",
    "LIST",
    "MAP",
    "MILLISECOND",
    "MILLISECONDS",
    "MINUTE",
    "MINUTES",
    "OFFSET",
    "PARTITION",
    "PAUSE",
    "PERIOD",
    "PLUGINS",
    "PRIMARY",
    "PRINT",
    "PROPERTIES",
    "QUERIES",
    "QUERY",
    "REPLACE",
    "RESUME",
    "RETENTION",
    "RUN",
    "SAMPLE",
    "SCHEMA",
    "SCRIPT",
    "SECOND",
    "SECONDS",
    "SESSION",
    "SET",
    "SHOW",
    "SINK",
    "SIZE",
    "SOURCE",
    "STREAM",
    "STREAMS",
    "STRING",
    "STRUCT",
    "SUBJECT",
    "SYSTEM",
    "TABLE",
    "TABLES",
    "TERMINATE",
    "TIME",
    "TIMEOUT",
    "TIMESTAMP",
    "TO",
    "TOPIC",
    "TOPICS",
    "TUMBLING",
    "TYPE",
    "TYPES",
    "UNDEFINE",
    "UNSET",
    "VALUES",
    "VARCHAR",
    "VARIABLES",
    "VERIFY",
    "ZONE",
];

/// Every word, for completion and for the reference page; the reserved ones come first.
pub fn all() -> impl Iterator<Item = Keyword> {
    let reserved = RESERVED.iter().map(|word| Keyword { word, reserved: true });
    let unreserved = UNRESERVED.iter().map(|word| Keyword { word, reserved: false });
    reserved.chain(unreserved)
}

/// True if the word, in any case, means something to the parser.
pub fn is_keyword(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    is_reserved(&word) || UNRESERVED.binary_search(&word.as_str()).is_ok()
}

/// True if the upper-case word names nothing unless it is quoted.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.binary_search(&word).is_ok()
}

/// True if the name has to be quoted to mean itself: it would fold, end early, or be a keyword.
pub fn needs_quotes(name: &str) -> bool {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|first| first.is_ascii_uppercase() || first == '_');
    let regular = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    !starts_well || !chars.all(regular) || is_reserved(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_disjoint() {
        assert!(RESERVED.is_sorted());
        assert!(UNRESERVED.is_sorted());
        assert!(RESERVED.iter().all(|word| UNRESERVED.binary_search(word).is_err()));
    }

    #[test]
    fn quotes_only_where_needed() {
        for plain in ["A", "ROWTIME", "_X1", "STREAM", "KEY"] {
            assert!(!needs_quotes(plain), "{plain}");
        }
        for quoted in ["", "a", "A-B", "1A", "FROM", "A B", "É", "A@B"] {
            assert!(needs_quotes(quoted), "{quoted}");
        }
    }
}
