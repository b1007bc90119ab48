-- Two months of flights out of New York, as streams, tables and queries that never end.
-- The topics "flights" (51,955 records) and "airlines" (16) have been imported; everything
-- below can be run again and again.

-- A stream is a topic read as rows. The scheduled departure is the time of the event.
CREATE STREAM IF NOT EXISTS flights (
    sched_dep_ms BIGINT,
    carrier      STRING,
    flight       INT,
    tailnum      STRING,
    origin       STRING,
    dest         STRING,
    dep_delay    INT,      -- minutes; NULL for a flight that never left
    arr_delay    INT,
    air_time     INT,
    distance     INT
) WITH (KAFKA_TOPIC = 'flights', VALUE_FORMAT = 'JSON', TIMESTAMP = 'sched_dep_ms');

-- A table is a topic read as the latest row per key. SOURCE makes it read-only, and keeps its
-- rows so that they can be asked for.
CREATE SOURCE TABLE IF NOT EXISTS airlines (
    carrier STRING PRIMARY KEY,
    name    STRING
) WITH (KAFKA_TOPIC = 'airlines', VALUE_FORMAT = 'JSON');

-- The queries below read their topics from the first record on.
SET 'auto.offset.reset' = 'earliest';

-- 1. Filter and projection: flights that left at least a quarter of an hour late.
CREATE STREAM IF NOT EXISTS delayed_flights AS
    SELECT carrier, flight, origin, dest, dep_delay
    FROM flights
    WHERE dep_delay >= 15
    EMIT CHANGES;

-- 2. A join: every flight with the name of its airline.
CREATE STREAM IF NOT EXISTS named_flights AS
    SELECT f.carrier AS carrier, a.name AS airline, f.flight AS flight,
           f.origin AS origin, f.dest AS dest, f.dep_delay AS dep_delay
    FROM flights f
    JOIN airlines a ON f.carrier = a.carrier
    EMIT CHANGES;

-- 3. A window: scheduled and actual departures of each airport, day by day (days of UTC). Windows
--    are forgotten when their retention is over, by the time of the events.
CREATE TABLE IF NOT EXISTS departures_per_day AS
    SELECT origin, COUNT(*) AS scheduled, COUNT(dep_delay) AS departed
    FROM flights
    WINDOW TUMBLING (SIZE 1 DAY, RETENTION 90 DAYS, GRACE PERIOD 1 DAY)
    GROUP BY origin
    EMIT CHANGES;

-- 4. A query that reads what another one writes: the delays of query 1, summed up per airline.
CREATE TABLE IF NOT EXISTS delays_per_airline AS
    SELECT carrier, COUNT(*) AS late, MAX(dep_delay) AS worst, AVG(CAST(dep_delay AS DOUBLE)) AS mean
    FROM delayed_flights
    GROUP BY carrier
    EMIT CHANGES;

\wait

SHOW QUERIES;

-- Pull queries are answered at once from what the persistent queries keep up to date.
-- On 8 February 2013 a blizzard closed the airports; it took two days to clear the runways.
SELECT origin,
       TIMESTAMPTOSTRING(WINDOWSTART, 'yyyy-MM-dd', 'UTC') AS day,
       scheduled, departed
FROM departures_per_day
WHERE WINDOWSTART >= '2013-02-07' AND WINDOWSTART < '2013-02-12'
ORDER BY origin, day;

-- Any SELECT will do: tables and streams join, sort and nest.
SELECT a.name AS airline, d.late, d.worst, ROUND(d.mean, 1) AS mean
FROM delays_per_airline d
JOIN airlines a ON a.carrier = d.carrier
ORDER BY d.late DESC
LIMIT 5;

-- A stream can be asked too: it is the log of everything that happened.
SELECT airline, flight, origin, dest, dep_delay
FROM named_flights
WHERE dep_delay > 600
ORDER BY dep_delay DESC;

-- One key, one read.
SELECT * FROM delays_per_airline WHERE carrier = 'HA';

\echo
\echo The four queries go on. Two things to try:
\echo   INSERT INTO flights (sched_dep_ms, carrier, flight, origin, dest, dep_delay) VALUES (1362000000000, 'HA', 51, 'JFK', 'HNL', 45);
\echo   SELECT * FROM delays_per_airline EMIT CHANGES;
