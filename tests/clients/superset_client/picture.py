"""A dashboard over the demo's flights, and its picture from a browser without a screen."""

import json
import shutil
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

import checks
import server

SIZE = (1200, 800)
SECONDS_MAX = 120
# How long a chart that is still drawn may look finished.
SECONDS_STILL = 3
PIXELS = "return [...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())"

TITLE = "Departures from New York"


def take(api, at, address, file):
    """Makes the dashboard of what is at `address`, and writes its picture."""
    database = checks.add_database(api, address)
    dataset = checks.add_dataset(api, database, {"table_name": checks.TABLE})
    dashboard = add_dashboard(api, [row_of(api, dataset, row) for row in ROWS])
    with browser() as window:
        log_in(window, at)
        window.get(f"{at.url}/superset/dashboard/{dashboard}/?standalone=1")
        charts = sum(len(row) for row in ROWS)
        wait = WebDriverWait(window, SECONDS_MAX, poll_frequency=SECONDS_STILL)
        wait.until(Drawn(charts))
        window.save_screenshot(file)


def metric(label, sql):
    return {"expressionType": "SQL", "sqlExpression": sql, "label": label}


SCHEDULED = metric("scheduled", "SUM(scheduled)")
DEPARTED = metric("departed", "SUM(departed)")
CANCELLED = metric("cancelled", "SUM(scheduled - departed)")
DELAY = metric("mean delay, minutes", "SUM(delay) * 1.0 / SUM(departed)")

# Rows of charts: title, kind, columns of twelve, what the kind wants to know.
ROWS = (
    (
        ("Scheduled", "big_number_total", 3, {"metric": SCHEDULED, "y_axis_format": ",d"}),
        ("Cancelled", "big_number_total", 3, {"metric": CANCELLED, "y_axis_format": ",d"}),
        (
            "By airport",
            "table",
            6,
            {
                "query_mode": "aggregate",
                "groupby": ["origin"],
                "metrics": [SCHEDULED, DEPARTED, CANCELLED, DELAY],
                "table_timestamp_format": "smart_date",
            },
        ),
    ),
    (
        (
            "Departures each day: the blizzard of 8 February",
            "echarts_timeseries_bar",
            12,
            {
                "x_axis": "day",
                "time_grain_sqla": "P1D",
                "metrics": [DEPARTED],
                "groupby": ["origin"],
                "stack": "Stack",
                "show_legend": True,
                "x_axis_time_format": "%d %b",
            },
        ),
    ),
)


def row_of(api, dataset, charts):
    """Makes a row of charts; gives their numbers, titles and widths."""
    row = []
    for title, kind, width, wants in charts:
        params = {"datasource": f"{dataset}__table", "viz_type": kind, "row_limit": 1000} | wants
        chart = {
            "slice_name": title,
            "viz_type": kind,
            "datasource_id": dataset,
            "datasource_type": "table",
            "params": json.dumps(params),
        }
        row.append((api.post("chart/", chart)["id"], title, width))
    return row


def add_dashboard(api, rows):
    """Makes a dashboard of rows of charts; gives its number."""
    layout = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": TITLE}},
    }
    for at, row in enumerate(rows):
        parents = ["ROOT_ID", "GRID_ID"]
        row_id = f"ROW-{at}"
        layout["GRID_ID"]["children"].append(row_id)
        children = [f"CHART-{number}" for number, _, _ in row]
        layout[row_id] = {
            "id": row_id,
            "type": "ROW",
            "children": children,
            "parents": parents,
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for chart_id, (number, title, width) in zip(children, row):
            meta = {"chartId": number, "sliceName": title, "width": width, "height": 24 + 20 * at}
            layout[chart_id] = {
                "id": chart_id,
                "type": "CHART",
                "children": [],
                "parents": [*parents, row_id],
                "meta": meta,
            }
    body = {"dashboard_title": TITLE, "position_json": json.dumps(layout), "published": True}
    dashboard = api.post("dashboard/", body)["id"]
    for number, _, _ in (chart for row in rows for chart in row):
        api.put(f"chart/{number}", {"dashboards": [dashboard]})
    return dashboard


def browser():
    """Chromium without a screen, driven by Debian's driver."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        sys.exit("there is no chromium with chromedriver: scripts/setup-superset --browser")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    size = ",".join(str(pixels) for pixels in SIZE)
    # Chromium's sandbox does not run as root, and nothing but our own pages is shown.
    for option in ("headless=new", "no-sandbox", "hide-scrollbars", f"window-size={size}"):
        options.add_argument(f"--{option}")
    return webdriver.Chrome(options=options, service=Service(driver))


def log_in(window, at):
    window.get(f"{at.url}/login/")
    wait = WebDriverWait(window, SECONDS_MAX)
    name = wait.until(lambda window: window.find_element(By.ID, "username"))
    name.send_keys(server.USER)
    window.find_element(By.ID, "password").send_keys(at.password)
    window.find_element(By.CSS_SELECTOR, "button[type=submit]").click()
    wait.until(lambda window: "/login" not in window.current_url)


class Drawn:
    """Whether all charts are there, none waits for its data, and none has moved since asked last."""

    def __init__(self, charts):
        self.charts = charts
        self.before = None

    def __call__(self, window):
        drawn = window.find_elements(
            By.CSS_SELECTOR, "[data-test=chart-container] .slice_container"
        )
        if len(drawn) < self.charts or window.find_elements(By.CSS_SELECTOR, ".loading"):
            return False
        before, self.before = self.before, window.execute_script(PIXELS)
        return before == self.before
