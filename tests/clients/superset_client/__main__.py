"""Apache Superset at the Postgres port, through its REST API.

    python superset_client ADDRESS                      checks everything on a few flights
    SUPERSET_PICTURE=FILE python superset_client ADDRESS    draws the demo's flights in a browser

ADDRESS is one of SQLAlchemy's, as postgresql+psycopg2://ann@127.0.0.1:5432/millstream; the server
there has no flights yet.
"""

import os
import sys

import checks
import flights
import picture
from api import Api
from server import Server


def main(address):
    file = os.environ.get("SUPERSET_PICTURE")
    flights.insert(address, flights.demo() if file else flights.FEW)
    flights.keep_departures(address)
    with Server() as server:
        api = Api(server)
        if file:
            picture.take(api, server, address, file)
        else:
            checks.run(api, address)


main(sys.argv[1])
