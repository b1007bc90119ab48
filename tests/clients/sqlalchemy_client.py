"""SQLAlchemy and pandas at the Postgres port: reflection, typed rows, a frame."""

import sys

import pandas
import sqlalchemy


def check(found, expected):
    if found != expected:
        sys.exit(f"expected {expected!r}, found {found!r}")


def make(engine):
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            "CREATE TABLE items (id BIGINT PRIMARY KEY, name STRING, price DECIMAL(10, 2),"
            " tags ARRAY<STRING>) WITH (KAFKA_TOPIC='items', PARTITIONS=1, VALUE_FORMAT='JSON')",
            "CREATE STREAM events (id BIGINT KEY, name STRING)"
            " WITH (KAFKA_TOPIC='events', PARTITIONS=1, VALUE_FORMAT='JSON')",
            "INSERT INTO events VALUES (1, 'a'); INSERT INTO events VALUES (2, 'b')",
        ):
            connection.exec_driver_sql(statement)


def reflection(engine):
    inspector = sqlalchemy.inspect(engine)
    names = inspector.get_table_names()
    check([name for name in names if name in ("events", "items")], ["events", "items"])
    columns = inspector.get_columns("items")
    check(
        [(column["name"], repr(column["type"]), column["nullable"]) for column in columns],
        [
            ("id", "BIGINT()", False),
            ("name", "TEXT()", True),
            ("price", "NUMERIC(precision=10, scale=2)", True),
            ("tags", "ARRAY(TEXT())", True),
        ],
    )
    key = inspector.get_pk_constraint("items")
    check((key["constrained_columns"], key["name"]), (["id"], "items_pkey"))
    check(inspector.get_pk_constraint("events")["constrained_columns"], [])
    check(inspector.get_foreign_keys("items"), [])
    check(inspector.get_view_names(), [])
    check(inspector.get_schema_names(), ["information_schema", "millstream", "public"])
    comment = inspector.get_table_comment("items")["text"]
    check(comment.startswith("CREATE TABLE items"), True)
    table = sqlalchemy.Table("items", sqlalchemy.MetaData(), autoload_with=engine)
    check([column.name for column in table.primary_key], ["id"])


def frames(engine):
    events = sqlalchemy.Table("events", sqlalchemy.MetaData(), autoload_with=engine)
    query = sqlalchemy.select(events).where(events.c.id > 1)
    frame = pandas.read_sql(query, engine)
    check(frame.to_dict("records"), [{"id": 2, "name": "b"}])
    frame = pandas.read_sql("SELECT name, COUNT(*) AS n FROM events GROUP BY name ORDER BY name", engine)
    check(frame["n"].tolist(), [1, 1])


def main(address):
    engine = sqlalchemy.create_engine(address)
    make(engine)
    reflection(engine)
    frames(engine)


main(sys.argv[1])
