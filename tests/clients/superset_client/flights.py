"""What Superset is shown: departures by airport and day, kept up to date from a stream of flights."""

import datetime

import psycopg2
import sqlalchemy

# As in demo/flights.sql.
STREAM = """CREATE STREAM flights (sched_dep_ms BIGINT, carrier STRING, flight INT, tailnum STRING,
    origin STRING, dest STRING, dep_delay INT, arr_delay INT, air_time INT, distance INT)
    WITH (KAFKA_TOPIC = 'flights', PARTITIONS = 1, VALUE_FORMAT = 'JSON', TIMESTAMP = 'sched_dep_ms')"""

# Superset draws over a column that is a date or a time, which WINDOWSTART, a number, is not.
TABLE = """CREATE TABLE IF NOT EXISTS departures AS
    SELECT origin, FROM_UNIXTIME(WINDOWSTART) AS day,
        COUNT(*) AS scheduled, COUNT(dep_delay) AS departed, SUM(dep_delay) AS delay,
        CAST(SUM(distance) AS DECIMAL(12, 1)) AS distance
    FROM flights
    WINDOW TUMBLING (SIZE 1 DAY, RETENTION 90 DAYS, GRACE PERIOD 1 DAY)
    GROUP BY origin"""

# Origin, scheduled departure, delay (none for a flight that never left), distance.
FLIGHTS = (
    ("JFK", "2013-02-07T09:00:00", 10, 2475),
    ("JFK", "2013-02-07T17:35:00", -5, 1089),
    ("LGA", "2013-02-07T12:00:00", 20, 733),
    ("JFK", "2013-02-08T09:00:00", None, 2475),
    ("LGA", "2013-02-08T12:00:00", None, 733),
    ("EWR", "2013-02-08T06:07:00", 95, 1400),
    ("JFK", "2013-02-09T09:04:00", 30, 2475),
    ("EWR", "2013-03-01T00:00:00", 1, 1400),
)


def insert(address):
    """Makes the stream with its few flights."""
    with connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(STREAM)
        for origin, scheduled, delay, distance in FLIGHTS:
            cursor.execute(
                "INSERT INTO flights (sched_dep_ms, origin, dep_delay, distance)"
                " VALUES (%s, %s, %s, %s)",
                (milliseconds(scheduled), origin, delay, distance),
            )


def keep_departures(address):
    """Makes the table, unless it is there, and waits until it has all flights."""
    connection = connect(address)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET 'auto.offset.reset' = 'earliest'")
        cursor.execute(TABLE)
        cursor.execute("SELECT COUNT(*) FROM flights")
        (flights,) = cursor.fetchone()
        counted = None
        while counted != flights:
            cursor.execute("SELECT SUM(scheduled) FROM departures")
            (counted,) = cursor.fetchone()
    connection.close()


def milliseconds(text):
    """A time of UTC as milliseconds since 1970."""
    moment = datetime.datetime.fromisoformat(f"{text}+00:00")
    return int(moment.timestamp()) * 1000


def connect(address):
    """A plain connection to the server at one of SQLAlchemy's addresses."""
    at = sqlalchemy.engine.make_url(address)
    return psycopg2.connect(host=at.host, port=at.port, user=at.username, dbname=at.database)
