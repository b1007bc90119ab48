"""Apache Superset at the Postgres port, through its REST API.

    python superset_client ADDRESS                      checks everything on a few flights
    python superset_client ADDRESS --screenshot FILE    draws what the demo's flights give

ADDRESS is one of SQLAlchemy's, as postgresql+psycopg2://ann@127.0.0.1:5432/millstream. For the
screenshot it is that of a server over the data of `make demo`.
"""

import argparse

import checks
import flights
import picture
from api import Api
from server import Server


def main():
    parser = argparse.ArgumentParser(prog="superset_client")
    parser.add_argument("address")
    parser.add_argument("--screenshot", metavar="FILE")
    arguments = parser.parse_args()
    if not arguments.screenshot:
        flights.insert(arguments.address)
    flights.keep_departures(arguments.address)
    with Server() as server:
        api = Api(server)
        if arguments.screenshot:
            picture.take(api, server, arguments.address, arguments.screenshot)
        else:
            checks.run(api, arguments.address)


main()
