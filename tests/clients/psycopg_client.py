"""psycopg 3 at the Postgres port: connect, list, describe, prepared select, insert, error."""

import datetime
import decimal
import sys

import psycopg

CREATE = """CREATE TABLE items (id BIGINT PRIMARY KEY, name STRING, price DECIMAL(10, 2),
    sold BOOLEAN, ratio DOUBLE, day DATE, at TIME, moment TIMESTAMP, raw BYTES,
    tags ARRAY<STRING>, counts ARRAY<INTEGER>, prices ARRAY<DECIMAL(4, 1)>, moments ARRAY<TIMESTAMP>,
    place STRUCT<city STRING>, extra MAP<STRING, INTEGER>)
    WITH (KAFKA_TOPIC='items', PARTITIONS=1, VALUE_FORMAT='JSON')"""

INSERT = """INSERT INTO items VALUES (1, 'it''s', 1.50, true, 0.5, '2024-02-29', '12:30:00',
    '2024-02-29T12:30:00.250', TO_BYTES('0a', 'hex'), ARRAY['a', 'b c'], ARRAY[1, 2], NULL,
    NULL, STRUCT(city := 'Rome'), MAP('k' := 7))"""


def check(found, expected):
    if found != expected:
        sys.exit(f"expected {expected!r}, found {found!r}")


def rows_of_types(connection):
    columns = "name, price, sold, ratio, day, at, moment, tags, counts, place, extra"
    expected = (
        "it's",
        decimal.Decimal("1.50"),
        True,
        0.5,
        datetime.date(2024, 2, 29),
        datetime.time(12, 30),
        datetime.datetime(2024, 2, 29, 12, 30, 0, 250000),
        ["a", "b c"],
        [1, 2],
        {"city": "Rome"},
        {"k": 7},
    )
    for binary in (False, True):
        with connection.cursor(binary=binary) as cursor:
            cursor.execute(f"SELECT {columns} FROM items_kept WHERE id = %s", (1,))
            check(cursor.fetchone(), expected)


def transactions(connection):
    with connection.transaction():
        for number in (2, 3):
            connection.execute("INSERT INTO events (id, name) VALUES (%s, %s)", (number, "in"))
    try:
        with connection.transaction():
            connection.execute("INSERT INTO events (id, name) VALUES (9, 'out')")
            raise KeyError
    except KeyError:
        pass
    rows = connection.execute("SELECT id FROM events ORDER BY id").fetchall()
    check(rows, [(2,), (3,)])


def errors(connection):
    try:
        connection.execute("SELECT nam FROM events")
    except psycopg.errors.UndefinedColumn as error:
        check(error.diag.statement_position, "8")
    else:
        sys.exit("an unknown column was accepted")
    check(connection.execute("SELECT 1").fetchone(), (1,))


def copies(connection):
    with connection.cursor() as cursor:
        with cursor.copy("COPY events (id, name) FROM STDIN") as copy:
            copy.write_row((4, "tab\there"))
            copy.write_row((5, None))
        with cursor.copy("COPY (SELECT id, name FROM events ORDER BY id) TO STDOUT") as copy:
            check(list(copy.rows())[2:], [("4", "tab\there"), ("5", None)])


def main(address):
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(CREATE)
        connection.execute("CREATE TABLE items_kept AS SELECT * FROM items")
        connection.execute(INSERT)
        connection.execute(
            "CREATE STREAM events (id BIGINT KEY, name STRING)"
            " WITH (KAFKA_TOPIC='events', PARTITIONS=1, VALUE_FORMAT='JSON')"
        )
        with connection.cursor() as cursor:
            # A table is kept in the background: wait for the row by being told of it.
            cursor.execute("SET 'auto.offset.reset' = 'earliest'")
            next(cursor.stream("SELECT id FROM items_kept EMIT CHANGES LIMIT 1"))
        rows_of_types(connection)
        transactions(connection)
        errors(connection)
        copies(connection)


main(sys.argv[1])
