"""What suites share that need nothing but accounts of some server: who they are, and how to report. Standard library only."""

import json
import os

_LAYOUT = json.loads(os.environ["INTEROP_LAYOUT"])
# The server's name, for people.
SERVER = _LAYOUT["server"]
# Each with name, password, email; address (what a person types into a client), home and plain (whole URLs).
ACCOUNTS = _LAYOUT["accounts"]
# What the Python library caldav is told of the server: a name that it knows, or feature -> support; what is not named is there.
CALDAV_FEATURES = _LAYOUT["caldav_features"]


def _tell(line):
    with open(os.environ["INTEROP_RESULTS"], "a", encoding="utf-8") as report:
        report.write(json.dumps(line) + "\n")


def version(text):
    """Tells which version of the suite is run; once."""
    _tell({"version": text})


def passed(name, words=""):
    """Tells of a test that held."""
    _tell({"name": name, "ok": True, "words": words[:2000]})


def failed(name, words):
    """Tells of a test that did not hold."""
    _tell({"name": name, "ok": False, "words": words[-2000:]})


def skipped(name, words):
    """Tells of a test that its own suite passed over."""
    _tell({"name": name, "ok": False, "skipped": True, "words": words[:2000]})
