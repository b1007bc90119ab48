"""A Superset of its own: made in a temporary folder, served from this process, gone with it."""

import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import threading

USER = "admin"

# Everything that is sent to the database is Superset's default; the rest keeps it quiet and alone.
CONFIG = """
import os
SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.path.join(os.environ["SUPERSET_HOME"], "superset.db")
FEATURE_FLAGS = {"ESTIMATE_QUERY_COST": True}
RATELIMIT_ENABLED = False
TALISMAN_ENABLED = False
LOG_LEVEL = "WARNING"
"""


class Server:
    """Superset at a port given by the system, with one user who may do everything."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="millstream-superset-")
        self.password = secrets.token_hex(16)
        config = pathlib.Path(self.home.name, "superset_config.py")
        config.write_text(CONFIG)
        os.environ.update(
            SUPERSET_HOME=self.home.name,
            SUPERSET_CONFIG_PATH=str(config),
            SUPERSET_SECRET_KEY=secrets.token_hex(32),
            FLASK_APP="superset.app:create_app()",
        )

    def __enter__(self):
        who = ("--username", USER, "--password", self.password, "--email", "admin@example.org")
        command("db", "upgrade")
        command("fab", "create-admin", "--firstname", "Ann", "--lastname", "Admin", *who)
        command("init")
        # Superset can only be imported when its settings are in the environment.
        from superset.app import create_app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log_request(self, *_):
                pass

        self.http = make_server("127.0.0.1", 0, create_app(), threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.home.cleanup()


def command(*arguments):
    """Runs Superset's own command, which stands beside this Python."""
    superset = pathlib.Path(sys.executable).with_name("superset")
    done = subprocess.run([superset, *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"superset {' '.join(arguments[:2])} failed:\n{done.stdout}{done.stderr}")
