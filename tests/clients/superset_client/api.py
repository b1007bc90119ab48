"""Superset's REST API as one who has logged in."""

import sys

import requests

import server


class Api:
    """A session of the API."""

    def __init__(self, at):
        self.url = f"{at.url}/api/v1/"
        self.session = requests.Session()
        who = {"username": server.USER, "password": at.password, "provider": "db", "refresh": True}
        token = self.post("security/login", who)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        self.session.headers["X-CSRFToken"] = self.get("security/csrf_token/")["result"]
        self.session.headers["Referer"] = at.url

    def get(self, path, **query):
        """The answer to a question."""
        return self.answer("GET", path, params=query)

    def post(self, path, body):
        """The answer to what makes or runs something."""
        return self.answer("POST", path, json=body)

    def put(self, path, body):
        """The answer to what changes something."""
        return self.answer("PUT", path, json=body)

    def answer(self, method, path, **arguments):
        """The answer to a request; what is not one ends the program."""
        response = self.session.request(method, self.url + path, timeout=120, **arguments)
        if not response.ok:
            sys.exit(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()
