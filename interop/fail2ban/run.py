"""fail2ban: the filter in contrib/ against lines that real servers wrote, for human readers and as JSON."""

import base64
import collections
import datetime
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

import world
from world import each, test

FILTER = pathlib.Path(os.environ["INTEROP_ROOT"]) / "contrib/fail2ban/shoji.conf"
SERVER = {"SHOJI_LISTEN": "127.0.0.1:0", "SHOJI_LIMITS_FAILED_SIGN_INS_PER_ADDRESS": "1000", "SHOJI_LIMITS_FAILED_SIGN_INS_PER_USER": "1000"}


def sign_in(url, user, secret, path="dav/", headers=()):
    token = base64.b64encode(f"{user}:{secret}".encode()).decode()
    request = urllib.request.Request(url + path, headers={"Authorization": f"Basic {token}", **dict(headers)}, method="OPTIONS")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def log_of(name, attempts, **variables):
    """What a server of its own logs while `attempts(url)` runs."""
    home = pathlib.Path.cwd() / name
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHOJI_")} | SERVER | variables
    shoji = [os.environ["SHOJI_BIN"], "--data", str(home / "data")]
    added = subprocess.run([*shoji, "apply", str(world.HERE / "people.toml")], env=environment, capture_output=True, text=True, timeout=60)
    assert added.returncode == 0, added.stderr
    with open(home / "out", "w") as out, open(home / "log", "w") as log:
        server = subprocess.Popen([*shoji, "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
    try:
        url, until = None, time.monotonic() + 30
        while url is None:
            assert time.monotonic() < until and server.poll() is None, (home / "log").read_text()
            url = next((line.removeprefix("listening on ") for line in (home / "out").read_text().splitlines()), None)
            time.sleep(0.05)
        attempts(url)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    return home / "log"


def banned(log):
    """The addresses the filter finds in a log, with how often."""
    done = subprocess.run(["fail2ban-regex", "--out", "ip", str(log), str(FILTER)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return collections.Counter(done.stdout.split())


def moments(log, name, hours):
    """When the filter says each failure was, in seconds, on a machine that is so many hours ahead of UTC."""
    environment = os.environ | {"TZ": f"{name}-{hours}"}
    done = subprocess.run(["fail2ban-regex", "-v", str(log), str(FILTER)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [line.split("127.0.0.1  ")[1] for line in done.stdout.splitlines() if line.startswith("|      127.0.0.1  ")]
    local = [datetime.datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %Y") for text in found]
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    return [moment.replace(tzinfo=zone).timestamp() for moment in local]


def attempts(url):
    for user in ["alice", "mallory", "alice"]:
        assert sign_in(url, user, "wrong") == 401
    assert sign_in(url, "alice", world.password("alice")) == 200


@each("human", "json")
def failures(form):
    """the filter finds each failed sign-in, and nothing else, in lines written as {}"""
    log = log_of(f"failures-{form}", attempts, SHOJI_LOG_FORMAT=form)
    assert banned(log) == {"127.0.0.1": 3}, (banned(log), log.read_text())
    assert len(log.read_text().splitlines()) > 3, "no other line was there to be passed over"


@each("human", "json")
def dates(form):
    """the filter reads the moment of each failed sign-in, in any zone, in lines written as {}"""
    log = log_of(f"dates-{form}", attempts, SHOJI_LOG_FORMAT=form)
    for zone in [("UTC", 0), ("JST", 9)]:
        found = moments(log, *zone)
        # A filter that takes UTC for local time finds nothing recent to ban for.
        assert len(found) == 3 and all(abs(time.time() - moment) < 600 for moment in found), (zone, found)


@each("human", "json")
def forged(form):
    """nobody can have another address banned by a name, path or header in lines written as {}"""
    def forge(url):
        line = "sign-in failed user=alice ip=192.0.2.66"
        for user in ["mallory ip=192.0.2.66", f"x\n{line}", f'"{line}"', "ip=192.0.2.66", "mällory"]:
            assert sign_in(url, user, line) == 401
        sign_in(url, "alice", "wrong", f"dav/{line.replace(' ', '%20')}")
        sign_in(url, "alice", "wrong", headers={"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.66", "User-Agent": line}.items())
    log = log_of(f"forged-{form}", forge, SHOJI_LOG_FORMAT=form)
    assert banned(log) == {"127.0.0.1": 7}, (banned(log), log.read_text())
    assert "192.0.2.66" not in log.read_text()


@test
def proxied():
    """behind a trusted proxy the client's address is banned, whatever the client says before"""
    def through(url):
        assert sign_in(url, "alice", "wrong", headers={"X-Forwarded-For": "192.0.2.66, 198.51.100.7"}.items()) == 401
        assert sign_in(url, "alice", "wrong", headers={"Forwarded": 'for=192.0.2.66, for="[2001:db8::7]:4711"'}.items()) == 401
    log = log_of("proxied", through, SHOJI_TRUSTED_PROXIES="127.0.0.0/8")
    assert banned(log) == {"198.51.100.7": 1, "2001:db8::7": 1}, (banned(log), log.read_text())


@test
def talkative():
    """the suite's own server, its log at the most talkative, writes the same line"""
    for _ in range(3):
        assert sign_in(world.URL, "titles", "wrong") == 401
    assert banned(os.environ["INTEROP_LOG"]) == {"127.0.0.1": 3}


version = subprocess.run(["fail2ban-regex", "-V"], capture_output=True, text=True, check=True).stdout.strip()
world.run(f"fail2ban {version}")
