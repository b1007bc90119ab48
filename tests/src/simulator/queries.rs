//! The queries of programs, and what a batch query over the same sources gives.

/// What a query reads in one place.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// A table, or a stream.
    pub table: bool,
    /// Whether together with something else.
    pub joined: bool,
}

/// A kind of query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A filter and a projection of a stream.
    Filter,
    /// A stream under another key.
    Rekey,
    /// An aggregation of a stream.
    Aggregate,
    /// The same in tumbling windows.
    Tumbling,
    /// The same with one result for each window.
    Final,
    /// The same in hopping windows.
    Hopping,
    /// The same in sessions.
    Session,
    /// A filter of a table.
    TableFilter,
    /// An aggregation of a table.
    TableAggregate,
    /// A stream with the rows of a table.
    StreamTable,
    /// The same where there may be no row.
    StreamTableLeft,
    /// Two streams within some time.
    StreamStream,
    /// The same where there may be no partner.
    StreamStreamLeft,
    /// Two tables.
    TableTable,
    /// The same where there may be no partner.
    TableTableLeft,
}

/// All of them; those that others can build upon are there more often.
pub const KINDS: [Kind; 19] = [
    Kind::Filter,
    Kind::Filter,
    Kind::Rekey,
    Kind::Aggregate,
    Kind::Aggregate,
    Kind::Aggregate,
    Kind::Tumbling,
    Kind::Tumbling,
    Kind::Final,
    Kind::Hopping,
    Kind::Session,
    Kind::TableFilter,
    Kind::TableAggregate,
    Kind::StreamTable,
    Kind::StreamTableLeft,
    Kind::StreamStream,
    Kind::StreamStreamLeft,
    Kind::TableTable,
    Kind::TableTableLeft,
];

impl Reads {
    /// One stream alone.
    pub const STREAM: Reads = Reads { table: false, joined: false };
}

const TABLE: Reads = Reads { table: true, joined: false };
const JOINED_STREAM: Reads = Reads { table: false, joined: true };
const JOINED_TABLE: Reads = Reads { table: true, joined: true };

impl Kind {
    /// What it reads: one thing or two.
    pub fn reads(self) -> [Option<Reads>; 2] {
        match self {
            Kind::Filter
            | Kind::Rekey
            | Kind::Aggregate
            | Kind::Tumbling
            | Kind::Final
            | Kind::Hopping
            | Kind::Session => [Some(Reads::STREAM), None],
            Kind::TableFilter | Kind::TableAggregate => [Some(TABLE), None],
            Kind::StreamTable | Kind::StreamTableLeft => [Some(JOINED_STREAM), Some(JOINED_TABLE)],
            Kind::StreamStream | Kind::StreamStreamLeft => {
                [Some(JOINED_STREAM), Some(JOINED_STREAM)]
            }
            Kind::TableTable | Kind::TableTableLeft => [Some(JOINED_TABLE), Some(JOINED_TABLE)],
        }
    }
}

/// A query of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its kind.
    pub kind: Kind,
    /// What it reads.
    pub left: String,
    /// What it joins that with.
    pub right: Option<String>,
    /// Makes its filter or window differ from others of its kind.
    pub number: u64,
}

impl Made {
    /// Whether it makes a table.
    pub fn is_table(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Filter
                | Kind::Rekey
                | Kind::StreamTable
                | Kind::StreamTableLeft
                | Kind::StreamStream
                | Kind::StreamStreamLeft
        )
    }

    /// Whether the rows of that table have windows.
    pub fn is_windowed(&self) -> bool {
        matches!(self.kind, Kind::Tumbling | Kind::Final | Kind::Hopping | Kind::Session)
    }

    /// Whether it gives for each row what it would give for that row alone.
    pub fn is_stateless(&self) -> bool {
        matches!(self.kind, Kind::Filter | Kind::Rekey)
    }

    /// Whether another number makes a query that may take its place.
    pub fn can_be_replaced(&self) -> bool {
        matches!(self.kind, Kind::Filter | Kind::TableFilter)
    }

    /// Whether it reads that stream or table.
    pub fn reads(&self, name: &str) -> bool {
        self.left == name || self.right.as_deref() == Some(name)
    }

    /// The statement that makes `name` by it.
    pub fn statement(&self, name: &str, replaces: bool) -> String {
        let kind = if self.is_table() { "TABLE" } else { "STREAM" };
        let (or_replace, if_not_exists) =
            if replaces { ("OR REPLACE ", "") } else { ("", "IF NOT EXISTS ") };
        format!(
            "CREATE {or_replace}{kind} {if_not_exists}{name} WITH (KAFKA_TOPIC='{name}') AS {};",
            self.select()
        )
    }

    /// The statement that lets a query of this id write a stream by it.
    pub fn insertion(&self, stream: &str, id: &str) -> String {
        format!("INSERT INTO {stream} WITH (QUERY_ID='{id}') {};", self.select())
    }

    fn select(&self) -> String {
        let left = &self.left;
        let n = self.number;
        let counted = format!("SELECT k, COUNT(*) AS id, SUM(v) AS v FROM {left}");
        match self.kind {
            Kind::Filter => format!("SELECT k, id, v + {n} AS v FROM {left} WHERE v % 5 <> {n}"),
            Kind::Rekey => format!(
                "SELECT CAST(v % 5 AS STRING) AS k, id, v FROM {left} PARTITION BY CAST(v % 5 AS STRING)"
            ),
            Kind::Aggregate => format!("{counted} GROUP BY k"),
            Kind::Tumbling => {
                let size = 5 + n * 5;
                format!("{counted} WINDOW TUMBLING (SIZE {size} SECONDS) GROUP BY k")
            }
            Kind::Final => format!(
                "{counted} WINDOW TUMBLING (SIZE 5 SECONDS, GRACE PERIOD {n} SECONDS) GROUP BY k EMIT FINAL"
            ),
            Kind::Hopping => format!(
                "{counted} WINDOW HOPPING (SIZE 9 SECONDS, ADVANCE BY 3 SECONDS, GRACE PERIOD 20 SECONDS) GROUP BY k"
            ),
            Kind::Session => format!(
                "{counted} WINDOW SESSION ({} SECONDS, GRACE PERIOD 20 SECONDS) GROUP BY k",
                2 + n
            ),
            Kind::TableFilter => {
                format!("SELECT k, id, v + {n} AS v FROM {left} WHERE v % 5 <> {n}")
            }
            Kind::TableAggregate => format!(
                "SELECT CAST(v % 5 AS STRING) AS k, COUNT(*) AS id, SUM(v) AS v FROM {left} GROUP BY CAST(v % 5 AS STRING)"
            ),
            Kind::StreamTable => self.join("JOIN", ""),
            Kind::StreamTableLeft => self.join("LEFT JOIN", ""),
            Kind::StreamStream => self.join("JOIN", " WITHIN 6 SECONDS GRACE PERIOD 4 SECONDS"),
            Kind::StreamStreamLeft => {
                self.join("LEFT JOIN", " WITHIN 6 SECONDS GRACE PERIOD 4 SECONDS")
            }
            Kind::TableTable => self.join("JOIN", ""),
            Kind::TableTableLeft => self.join("LEFT JOIN", ""),
        }
    }

    fn join(&self, how: &str, within: &str) -> String {
        let (left, right) = (&self.left, self.right.as_deref().unwrap_or_default());
        format!(
            "SELECT l.k AS k, l.id AS id, r.v AS v FROM {left} l {how} {right} r{within} ON l.k = r.k"
        )
    }

    /// What a batch query over its source must give: the query over what it has made, and the one
    /// over what it reads. A row whose group is NULL, as joins make them, is in no group.
    pub fn batch(&self, name: &str) -> Option<(String, String)> {
        let left = &self.left;
        let counted = "COUNT(*) AS id, SUM(v) AS v";
        let plain = format!("SELECT k, id, v FROM {name}");
        match self.kind {
            Kind::Aggregate => Some((
                plain,
                format!("SELECT k, {counted} FROM {left} WHERE k IS NOT NULL GROUP BY k"),
            )),
            Kind::Tumbling => {
                let size = (5 + self.number * 5) * 1000;
                Some((
                    format!("SELECT k, windowstart, id, v FROM {name}"),
                    format!(
                        "SELECT k, start, {counted} FROM (SELECT k, rowtime - rowtime % {size} AS start, v FROM {left} WHERE k IS NOT NULL) AS timed GROUP BY k, start"
                    ),
                ))
            }
            // A group that has become empty stays in the table, and is none in a batch query.
            Kind::TableAggregate => Some((
                format!("{plain} WHERE id > 0"),
                format!(
                    "SELECT g, {counted} FROM (SELECT CAST(v % 5 AS STRING) AS g, v FROM {left} WHERE v IS NOT NULL) AS grouped GROUP BY g"
                ),
            )),
            Kind::TableTable | Kind::TableTableLeft => Some((plain, self.select())),
            _ => None,
        }
    }
}
