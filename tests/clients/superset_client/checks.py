"""What Superset finds, and what its charts say, beside what is known."""

import json
import sys

import psycopg2

import flights

TABLE = "departures"
SCHEMA = "public"

DAY = 86_400_000
FEBRUARY_7 = 1_360_195_200_000


def run(api, address):
    """Adds the database, the data set and charts, as somebody would who clicks."""
    database = add_database(api, address)
    lists(api, database)
    columns(api, database)
    dataset = add_dataset(api, database, {"table_name": TABLE})
    found_types(api, dataset)
    charts(api, dataset)
    time_grains(api, dataset)
    window_bounds(api, dataset)
    filter_values(api, dataset)
    sql_lab(api, database)
    cost(api, database)
    stop(address)
    query_as_dataset(api, database)


def check(found, expected):
    if found != expected:
        sys.exit(f"expected {expected!r}, found {found!r}")


def add_database(api, address):
    """Tests the connection and keeps it; gives the database's number."""
    extra = json.dumps({"cost_estimate_enabled": True})
    database = {"database_name": "Millstream", "sqlalchemy_uri": address, "extra": extra}
    check(api.post("database/test_connection/", database), {"message": "OK"})
    return api.post("database/", database | {"expose_in_sqllab": True})["id"]


def lists(api, database):
    path = f"database/{database}"
    check(api.get(f"{path}/catalogs/")["result"], ["millstream"])
    schemas = api.get(f"{path}/schemas/")["result"]
    check(sorted(schemas), ["information_schema", "millstream", SCHEMA])
    tables = api.get(f"{path}/tables/", q=json.dumps({"schema_name": SCHEMA}))["result"]
    check(
        [(each["value"], each["type"]) for each in tables if "KSQL" not in each["value"].upper()],
        [("departures", "table"), ("flights", "table")],
    )
    views = api.get(f"{path}/tables/", q=json.dumps({"schema_name": "millstream"}))["result"]
    check("queries" in [each["value"] for each in views if each["type"] == "view"], True)


def columns(api, database):
    """What SQL Lab shows beside a table: columns, keys, comment, a query to begin with."""
    path = f"database/{database}"
    table = api.get(f"{path}/table_metadata/", name=TABLE, schema=SCHEMA)
    names = [
        "origin",
        "windowstart",
        "windowend",
        "day",
        "scheduled",
        "departed",
        "delay",
        "distance",
    ]
    check([each["name"] for each in table["columns"]], names)
    check(table["comment"].startswith("CREATE TABLE"), True)
    check(api.get(f"{path}/table_metadata/extra/", name=TABLE, schema=SCHEMA), {})
    view = api.get(f"{path}/table_metadata/", name="queries", schema="millstream")
    check(view["columns"] != [], True)
    select = api.get(f"{path}/select_star/{TABLE}/{SCHEMA}/")["result"]
    check(select.split(), ["SELECT", "*", "FROM", "public.departures", "LIMIT", "100"])
    rows = run_sql(api, database, select)
    check(len(rows), 7)


def add_dataset(api, database, of):
    return api.post("dataset/", {"database": database, "schema": SCHEMA} | of)["id"]


def found_types(api, dataset):
    found = api.get(f"dataset/{dataset}")["result"]
    check(
        {each["column_name"]: (each["type"], each["is_dttm"]) for each in found["columns"]},
        {
            "origin": ("TEXT", False),
            "windowstart": ("BIGINT", False),
            "windowend": ("BIGINT", False),
            "day": ("TIMESTAMP WITHOUT TIME ZONE", True),
            "scheduled": ("BIGINT", False),
            "departed": ("BIGINT", False),
            "delay": ("INTEGER", False),
            "distance": ("NUMERIC(12, 1)", False),
        },
    )
    check(found["main_dttm_col"], "day")


def charts(api, dataset):
    """Charts of each kind that asks something of its own, kept and asked as a dashboard does."""
    total = chart_data(api, dataset, "big_number_total", {"metrics": [total_of("scheduled")]})
    check(total, [{"scheduled": 8}])
    by_airport = {"columns": ["origin"], "metrics": [total_of("departed"), total_of("delay")]}
    by_airport["orderby"] = [[total_of("departed"), False], ["origin", True]]
    february = {"granularity": "day", "time_range": "2013-02-01 : 2013-03-01"}
    check(
        chart_data(api, dataset, "table", by_airport | february),
        [
            {"origin": "JFK", "departed": 3, "delay": 35},
            {"origin": "EWR", "departed": 1, "delay": 95},
            {"origin": "LGA", "departed": 1, "delay": 20},
        ],
    )
    raw = {"columns": ["origin", "distance"], "metrics": None, "orderby": [["distance", False]]}
    raw["filters"] = [{"col": "origin", "op": "IN", "val": ["JFK", "EWR"]}]
    rows = chart_data(api, dataset, "table", raw | {"row_limit": 2})
    check(
        [(row["origin"], float(row["distance"])) for row in rows],
        [("JFK", 3564.0), ("JFK", 2475.0)],
    )


def time_grains(api, dataset):
    """The same departures by day, by week and by all that Superset offers for Postgres."""

    def starts(grain):
        filters = [{"col": "day", "op": "TEMPORAL_RANGE", "val": "2013-02-07 : 2013-03-02"}]
        query = {
            "columns": [time_axis("day", grain)],
            "metrics": [total_of("departed")],
            "filters": filters,
            "orderby": [["day", True]],
        }
        rows = chart_data(api, dataset, "echarts_timeseries_bar", query)
        return [((row["day"] - FEBRUARY_7) / DAY, row["departed"]) for row in rows]

    by_day = [(0, 3), (1, 1), (2, 1), (22, 1)]
    for unit in ("S", "5S", "30S", "M", "5M", "10M", "15M", "30M", "H"):
        grain = f"PT{unit}" if unit[0].isdigit() else f"PT1{unit}"
        check((grain, starts(grain)), (grain, by_day))
    check(starts("P1D"), by_day)
    check(starts("P1W"), [(-3, 5), (18, 1)])
    check(starts("P1M"), [(-6, 5), (22, 1)])
    check(starts("P3M"), [(-37, 6)])
    check(starts("P1Y"), [(-37, 6)])


def time_axis(column, grain):
    """A column of times in steps, as the axis of a chart."""
    return {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "sqlExpression": column,
        "label": column,
        "timeGrain": grain,
    }


def window_bounds(api, dataset):
    """A number of milliseconds that the data set's owner has declared to be a time."""
    kept = api.get(f"dataset/{dataset}")["result"]["columns"]
    columns = [{"id": each["id"], "column_name": each["column_name"]} for each in kept]
    for column in columns:
        if column["column_name"] == "windowstart":
            column |= {"is_dttm": True, "python_date_format": "epoch_ms"}
    api.put(f"dataset/{dataset}", {"columns": columns})
    filters = [{"col": "windowstart", "op": "TEMPORAL_RANGE", "val": "2013-02-07 : 2013-02-09"}]
    query = {
        "columns": [time_axis("windowstart", "P1D")],
        "metrics": [total_of("departed")],
        "filters": filters,
        "orderby": [["windowstart", True]],
    }
    rows = chart_data(api, dataset, "echarts_timeseries_bar", query)
    check(
        [((row["windowstart"] - FEBRUARY_7) / DAY, row["departed"]) for row in rows],
        [(0, 3), (1, 1)],
    )


def filter_values(api, dataset):
    """What a dashboard's filter offers."""
    values = api.get(f"datasource/table/{dataset}/column/origin/values/")["result"]
    check(sorted(values), ["EWR", "JFK", "LGA"])


def total_of(column):
    return {
        "expressionType": "SIMPLE",
        "column": {"column_name": column},
        "aggregate": "SUM",
        "label": column,
    }


def chart_data(api, dataset, kind, query):
    """Makes a chart of one query, and gives the rows that it draws."""
    source = {"id": dataset, "type": "table"}
    context = {
        "datasource": source,
        "queries": [query],
        "result_type": "full",
        "force": True,
        "result_format": "json",
        "form_data": {"viz_type": kind},
    }
    chart = {
        "slice_name": kind,
        "viz_type": kind,
        "datasource_id": dataset,
        "datasource_type": "table",
        "params": json.dumps({"viz_type": kind}),
        "query_context": json.dumps(context),
    }
    number = api.post("chart/", chart)["id"]
    (answer,) = api.get(f"chart/{number}/data/")["result"]
    return answer["data"]


def run_sql(api, database, sql):
    """Runs a query in SQL Lab; gives its rows."""
    query = {
        "database_id": database,
        "schema": SCHEMA,
        "sql": sql,
        "queryLimit": 1000,
        "runAsync": False,
    }
    return api.post("sqllab/execute/", query)["data"]


def sql_lab(api, database):
    by_airport = (
        "SELECT origin, SUM(scheduled) AS n FROM departures GROUP BY origin ORDER BY n DESC, origin"
    )
    rows = run_sql(api, database, by_airport)
    check(rows, [{"origin": "JFK", "n": 4}, {"origin": "EWR", "n": 2}, {"origin": "LGA", "n": 2}])
    rows = run_sql(api, database, "SELECT kind, status FROM millstream.queries")
    check(rows, [{"kind": "PERSISTENT", "status": "RUNNING"}])


def cost(api, database):
    """`EXPLAIN` answers with a plan, in which Superset finds no numbers to show."""
    query = {
        "database_id": database,
        "schema": SCHEMA,
        "sql": "SELECT * FROM departures",
        "template_params": {},
    }
    check(api.post("sqllab/estimate/", query)["result"], [{}])


def stop(address):
    """What Superset sends to end a query of SQL Lab that somebody stops."""
    stopped = flights.connect(address)
    with flights.connect(address) as other, other.cursor() as cursor:
        process = stopped.info.backend_pid
        cursor.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid='{process}'"
        )
        check(cursor.fetchall(), [(True,)])
    try:
        stopped.cursor().execute("SELECT 1")
    except psycopg2.OperationalError:
        return
    sys.exit("the connection lives on")


def query_as_dataset(api, database):
    """A data set that is a query: Superset runs it to know its columns, and asks what is around it."""
    sql = "SELECT origin, day, scheduled - departed AS cancelled FROM departures"
    dataset = add_dataset(api, database, {"table_name": "cancellations", "sql": sql})
    columns = api.get(f"dataset/{dataset}")["result"]["columns"]
    check(
        [(each["column_name"], each["is_dttm"]) for each in columns],
        [("origin", False), ("day", True), ("cancelled", False)],
    )
    query = {
        "columns": ["origin"],
        "metrics": [total_of("cancelled")],
        "orderby": [["origin", True]],
    }
    check(
        chart_data(api, dataset, "pie", query),
        [
            {"origin": "EWR", "cancelled": 0},
            {"origin": "JFK", "cancelled": 1},
            {"origin": "LGA", "cancelled": 1},
        ],
    )
