"""What every Python suite shares: whom it meets, what each may see, how it reports. Standard library only.

A suite writes functions marked @test and ends with world.run(version). Each test reports one line; an AssertionError, or any
other exception, is a failure with its words."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import traceback
import urllib.request

URL = os.environ["SHOJI_URL"]
DATA = os.environ["SHOJI_DATA"]
HERE = pathlib.Path(__file__).parent

OWNER = "alice"
# From least to most; each is also a user's name.
LEVELS = ["free-busy", "titles", "details", "edit", "edit-delete"]
READ_ONLY = ["free-busy", "titles", "details"]
SEES_NOTHING = ["none", "stranger"]
EVERYONE = [OWNER, *LEVELS, *SEES_NOTHING]

SEEN = json.loads((HERE / "seen.json").read_text())
# Editors see what `details` sees: private events stay shut to them too.
SEEN |= {"edit": SEEN["details"], "edit-delete": SEEN["details"], "none": [], "stranger": []}

# Words of alice's calendar that must never reach these people, by any request.
WITHHELD = json.loads((HERE / "withheld.json").read_text())


def password(name):
    return f"{name}-password"


def no_withheld_word(name, text):
    """Fails if a word reached someone it must not reach."""
    found = [word for word in WITHHELD[name] if word.lower() in text.lower()]
    assert not found, f"{name} was shown {found}"


def event(uid, summary, start="20260617T120000Z", end="20260617T130000Z", extra=()):
    """One event as a client writes it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//interop//EN", "BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260501T080000Z",
             f"DTSTART:{start}", f"DTEND:{end}", f"SUMMARY:{summary}", *extra, "END:VEVENT", "END:VCALENDAR"]
    return "".join(line + "\r\n" for line in lines)


def command(*words, stdin=None):
    """The public command line, beside the running server; how it ended and what it said."""
    line = [os.environ["SHOJI_BIN"], "--data", DATA, "--json", *words]
    return subprocess.run(line, input=stdin or "", capture_output=True, text=True, timeout=60)


def shoji(*words, stdin=None):
    """As `command`, which must succeed; returns the JSON value it prints."""
    done = command(*words, stdin=stdin)
    assert done.returncode == 0, f"shoji {' '.join(words)} ended with {done.returncode}: {done.stderr}"
    return json.loads(done.stdout)


def share(calendar, name, level, *more):
    """Changes a share while the server runs."""
    shoji("share", "set", calendar, "--user", name, "--level", level, *more)


def request(who, method, path, body="", headers=()):
    """One request beside the client's; returns the body of the answer, which must be a success."""
    token = base64.b64encode(f"{who}:{password(who)}".encode()).decode()
    asked = urllib.request.Request(URL.rstrip("/") + path, body.encode() or None, {"Authorization": f"Basic {token}", **dict(headers)}, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read().decode()


def debian(package):
    """A package of Debian and its version."""
    asked = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", package], capture_output=True, text=True, timeout=60, check=True)
    return f"{package} {asked.stdout}"


def mounts(who):
    """The names under which shared calendars stand in this person's home."""
    body = '<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/></D:prop></D:propfind>'
    return set(re.findall(rf"/dav/calendars/{who}/([a-z2-7]{{26}})/", request(who, "PROPFIND", f"/dav/calendars/{who}/", body, {"Depth": "1"})))


def names_of(calendar_path, arrive):
    """Runs what shares a calendar; returns its name in each person's home: the mount that appeared, the owner's own name."""
    before = {who: mounts(who) for who in LEVELS}
    arrive()
    names = {OWNER: calendar_path.split("/")[1]}
    for who in LEVELS:
        names |= {who: name for name in mounts(who) - before[who]}
    return names


def calendar(name, levels=LEVELS, texts=()):
    """A calendar of alice's for one test, shared with a grantee of each level, with these objects in it."""
    path = f"{OWNER}/{name}"
    shoji("calendar", "create", path)
    for text in texts:
        shoji("import", path, "-", stdin=text)
    for level in levels:
        share(path, level, level)
    return path


_TESTS = []


def test(function):
    """Marks a test; its doc string is its name."""
    _TESTS.append((function.__doc__.strip(), function, ()))
    return function


def each(*values):
    """Marks a test that is run for each value; its doc string holds {} for the value."""
    def mark(function):
        for value in values:
            _TESTS.append((function.__doc__.strip().format(value), function, (value,)))
        return function
    return mark


def run(version):
    """Runs every marked test in the order they were written, and reports."""
    with open(os.environ["INTEROP_RESULTS"], "a", encoding="utf-8") as report:
        def tell(line):
            report.write(json.dumps(line) + "\n")
            report.flush()
        tell({"version": version})
        for name, function, values in _TESTS:
            try:
                function(*values)
            except Exception as error:  # whatever a client raises is a finding
                tell({"name": name, "ok": False, "words": f"{type(error).__name__}: {error}"[:2000]})
                traceback.print_exc()
                sys.stderr.flush()
            else:
                tell({"name": name, "ok": True, "words": ""})
