//! The statements, as help shows them.

/// A statement as the help page shows it.
pub(super) struct Topic {
    /// The words it begins with.
    pub name: &'static str,
    /// Its syntax.
    pub syntax: &'static str,
    /// What it does, and an example.
    pub text: &'static str,
}

pub(super) const TOPICS: &[Topic] = &[
    Topic {
        name: "CREATE STREAM",
        syntax: "CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name (column type [KEY], …) WITH (property = value, …);\n\
                 CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name [WITH (…)] AS SELECT … [EMIT CHANGES];",
        text: "The first form reads the records of a topic as rows of a stream. The second starts a\n\
               persistent query and writes what it gives to a topic of its own.\n\n\
               CREATE STREAM clicks (user STRING KEY, page STRING)\n  \
                 WITH (KAFKA_TOPIC = 'clicks', PARTITIONS = 1, VALUE_FORMAT = 'JSON');",
    },
    Topic {
        name: "CREATE TABLE",
        syntax: "CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name (column type [PRIMARY KEY], …) WITH (property = value, …);\n\
                 CREATE [OR REPLACE] TABLE [IF NOT EXISTS] name [WITH (…)] AS SELECT … [EMIT CHANGES|FINAL];",
        text: "A table holds the latest row per key. The second form starts a persistent query and keeps\n\
               its result up to date.\n\n\
               CREATE TABLE clicks_per_user AS\n  SELECT user, COUNT(*) AS n FROM clicks\n  \
                 WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY user;",
    },
    Topic {
        name: "INSERT INTO",
        syntax: "INSERT INTO name [(column, …)] VALUES (value, …), …;\n\
                 INSERT INTO stream [WITH (QUERY_ID = 'id')] SELECT …;",
        text: "Writes rows now, or starts a persistent query that writes to an existing stream.\n\n\
               INSERT INTO clicks (user, page) VALUES ('ann', '/home');",
    },
    Topic {
        name: "SELECT",
        syntax: "SELECT … FROM … [WINDOW …] [WHERE …] [GROUP BY …] [HAVING …] [EMIT CHANGES] [LIMIT n];",
        text: "Without EMIT CHANGES: a pull query, answered at once. It may join, sort and nest as it likes.\n\
               With EMIT CHANGES: a push query, rows as they happen until Ctrl-C or the limit.\n\n\
               What goes on is in the relations millstream.queries, positions, stores, partitions, groups\n\
               and connections.",
    },
    Topic {
        name: "WINDOW",
        syntax: "WINDOW TUMBLING (SIZE n unit [, RETENTION n unit] [, GRACE PERIOD n unit])\n\
                 WINDOW HOPPING (SIZE n unit, ADVANCE BY n unit [, RETENTION n unit] [, GRACE PERIOD n unit])\n\
                 WINDOW SESSION (n unit [, RETENTION n unit] [, GRACE PERIOD n unit])",
        text: "Groups rows by time as well; stands after FROM and its joins. Units: MILLISECONDS, SECONDS,\n\
               MINUTES, HOURS, DAYS. WINDOWSTART and WINDOWEND are the bounds.",
    },
    Topic {
        name: "EMIT",
        syntax: "EMIT CHANGES\nEMIT FINAL",
        text: "CHANGES gives every change as it happens, FINAL one result per window, when it closes.",
    },
    Topic {
        name: "SHOW",
        syntax: "SHOW STREAMS|TABLES|[ALL] TOPICS|QUERIES [EXTENDED];\n\
                 SHOW FUNCTIONS|TYPES|PROPERTIES|VARIABLES|[CONSUMER] GROUPS;\n\
                 SHOW COLUMNS FROM name;\n\
                 LIST …;",
        text: "Lists what there is. LIST is another word for SHOW. With EXTENDED, queries also tell of their\n\
               lag in records, bytes and time, their rate, commits and state.",
    },
    Topic {
        name: "DESCRIBE",
        syntax: "DESCRIBE name|STREAMS|TABLES [EXTENDED];\nDESCRIBE FUNCTION name;",
        text: "The columns of a stream or table, and what reads and writes it; or what a function does.",
    },
    Topic {
        name: "EXPLAIN",
        syntax: "EXPLAIN statement;\nEXPLAIN [ANALYZE] query_id;",
        text: "The plan of a statement without running it, or of a running query. ANALYZE adds what went\n\
               through each node.",
    },
    Topic {
        name: "VERIFY",
        syntax: "VERIFY name;",
        text: "Whether a stream or table is what its queries make of their sources: they are run again\n\
               over what they have read, and the results are compared.",
    },
    Topic {
        name: "BACKUP",
        syntax: "BACKUP TO 'directory';",
        text: "Copies everything, as it is at one moment, into a new directory, while queries go on.\n\
               millstream restore makes a data directory of it.",
    },
    Topic {
        name: "PRINT",
        syntax: "PRINT topic [FROM BEGINNING] [INTERVAL n|SAMPLE n] [LIMIT n];",
        text: "The records of a topic as they are, until Ctrl-C or the limit.",
    },
    Topic {
        name: "DROP",
        syntax: "DROP STREAM|TABLE [IF EXISTS] name [DELETE TOPIC];\nDROP TYPE [IF EXISTS] name;",
        text: "Forgets a stream or table; with DELETE TOPIC its records too.",
    },
    Topic {
        name: "TERMINATE",
        syntax: "TERMINATE query_id|ALL;",
        text: "Stops a persistent query for good; its stream or table stays. SHOW QUERIES has the ids.",
    },
    Topic {
        name: "PAUSE",
        syntax: "PAUSE query_id|ALL;\nRESUME query_id|ALL;",
        text: "Stops a persistent query for a while, and lets it go on where it stopped.",
    },
    Topic {
        name: "ALTER",
        syntax: "ALTER STREAM|TABLE name ADD [COLUMN] column type, …;",
        text: "Adds columns to a stream or table that reads a topic.",
    },
    Topic {
        name: "CREATE TYPE",
        syntax: "CREATE TYPE [IF NOT EXISTS] name AS type;",
        text: "Another name for a type.\n\nCREATE TYPE address AS STRUCT<street STRING, city STRING>;",
    },
    Topic {
        name: "SET",
        syntax: "SET 'property' = 'value';\nUNSET 'property';",
        text: "Changes a property of this session. SHOW PROPERTIES lists them.\n\n\
               SET 'auto.offset.reset' = 'earliest';",
    },
    Topic {
        name: "DEFINE",
        syntax: "DEFINE name = 'value';\nUNDEFINE name;",
        text: "Defines a variable; ${name} stands for its value in later statements.",
    },
    Topic {
        name: "RUN SCRIPT",
        syntax: "RUN SCRIPT 'file';",
        text: "Runs the statements of a file until one fails.",
    },
    Topic {
        name: "EXPORT CATALOG",
        syntax: "EXPORT CATALOG;",
        text: "The statements that rebuild streams, tables, types and queries, in order.",
    },
    Topic {
        name: "ASSERT",
        syntax: "ASSERT [NOT EXISTS] TOPIC name [WITH (PARTITIONS = n)] [TIMEOUT n unit];\n\
                 ASSERT STREAM|TABLE name [(column type, …)] WITH (property = value, …);\n\
                 ASSERT VALUES name [(column, …)] VALUES (value, …);\n\
                 ASSERT NULL VALUES table [(column, …)] KEY (value, …);",
        text: "Fails, and ends the script, where something is not so. VALUES reads the records of a topic one\n\
               by one, each after the last that was asserted.",
    },
    Topic {
        name: "CREATE USER",
        syntax: "CREATE USER name PASSWORD 'text';\nALTER USER name PASSWORD 'text';\nDROP USER name;",
        text: "Who may connect to a server; for a shell with --connect, and other clients of a server.",
    },
    Topic {
        name: "BEGIN",
        syntax: "BEGIN;\nCOMMIT;\nROLLBACK;\nSAVEPOINT name;\nROLLBACK TO name;\nRELEASE name;",
        text: "Inserts between BEGIN and COMMIT are there together or not at all; for a shell with --connect,\n\
               and other clients of a server.",
    },
];
