"""What Superset is shown: departures by airport and day, kept up to date from a stream of flights."""

import gzip
import io
import pathlib

import psycopg2
import sqlalchemy

# As in demo/flights.sql.
STREAM = """CREATE STREAM flights (sched_dep_ms BIGINT, carrier STRING, flight INT, tailnum STRING,
    origin STRING, dest STRING, dep_delay INT, arr_delay INT, air_time INT, distance INT)
    WITH (KAFKA_TOPIC = 'flights', PARTITIONS = 1, VALUE_FORMAT = 'JSON', TIMESTAMP = 'sched_dep_ms')"""

# Superset draws over a column that is a date or a time, which WINDOWSTART, a number, is not.
TABLE = """CREATE TABLE departures AS
    SELECT origin, FROM_UNIXTIME(WINDOWSTART) AS day,
        COUNT(*) AS scheduled, COUNT(dep_delay) AS departed, SUM(dep_delay) AS delay,
        CAST(SUM(distance) AS DECIMAL(12, 1)) AS distance
    FROM flights
    WINDOW TUMBLING (SIZE 1 DAY, RETENTION 90 DAYS, GRACE PERIOD 1 DAY)
    GROUP BY origin"""

# Some flights as the demo's file has them. One without a delay has never left.
FEW = """sched_dep_ms,carrier,flight,tailnum,origin,dest,dep_delay,arr_delay,air_time,distance
1360227600000,AA,1,N1,JFK,LAX,10,5,350,2475
1360258500000,B6,9,N2,JFK,FLL,-5,0,150,1089
1360238400000,AA,3,N3,LGA,ORD,20,25,110,733
1360314000000,AA,1,,JFK,LAX,,,,2475
1360324800000,AA,3,,LGA,ORD,,,,733
1360303620000,UA,5,N4,EWR,IAH,95,90,220,1400
1360400640000,AA,1,N1,JFK,LAX,30,20,350,2475
1362096000000,UA,5,N4,EWR,IAH,1,0,220,1400
"""


def demo():
    """All flights of the demo."""
    root = pathlib.Path(__file__).parents[3]
    return gzip.decompress((root / "demo/data/flights.csv.gz").read_bytes()).decode()


def insert(address, flights):
    """Makes the stream, and fills it from text in the form of the demo's file."""
    with connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(STREAM)
        header, _, rows = flights.partition("\n")
        cursor.copy_expert(f"COPY flights ({header}) FROM STDIN (FORMAT csv)", io.StringIO(rows))


def keep_departures(address):
    """Makes the table, and waits until it has all flights."""
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


def connect(address):
    """A plain connection to the server at one of SQLAlchemy's addresses."""
    at = sqlalchemy.engine.make_url(address)
    return psycopg2.connect(host=at.host, port=at.port, user=at.username, dbname=at.database)
