"""Reverse proxies: Debian's nginx, Apache and Caddy with the recipes that README shows. `shoji doctor` finds nothing to mend behind
them, real clients work through them, and of each misconfiguration the doctor names just the problem."""

import contextlib
import functools
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import proxies
import world
from vdir import Vdir
from world import each

HOME = pathlib.Path.cwd()
AUTHORITY = proxies.Authority(HOME / "authority")
PROXIES = {proxy.name: proxy for proxy in proxies.all_three()}
PASSWORD = HOME / "password"
PASSWORD.write_text(world.password("alice") + "\n")


@functools.cache
def server(base_path):
    """A server that knows where it stands, as a recipe asks for it; its address without scheme."""
    home = HOME / f"server{base_path.replace('/', '-')}"
    home.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHOJI_")}
    environment |= {"SHOJI_LISTEN": "127.0.0.1:0", "SHOJI_BASE_PATH": base_path, "SHOJI_TRUSTED_PROXIES": "127.0.0.1/32"}
    shoji = [os.environ["SHOJI_BIN"], "--data", str(home / "data")]
    proxies.run(*shoji, "apply", str(world.HERE / "people.toml"), env=environment)
    proxies.run(*shoji, "import", "alice/work", str(world.HERE / "work.ics"), env=environment)
    with open(home / "out", "w") as out, open(home / "log", "w") as log:
        STARTED.append(subprocess.Popen([*shoji, "serve"], env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=log))
    until, url = time.monotonic() + 30, None
    while url is None:
        assert time.monotonic() < until, (home / "log").read_text()
        url = next((line.removeprefix("listening on http://").rstrip("/\n") for line in (home / "out").read_text().splitlines()), None)
        time.sleep(0.02)
    return url


STARTED = []


def doctor(url, *more):
    """What the doctor finds: its report, and its exit code."""
    words = [os.environ["SHOJI_BIN"], "--json", "doctor", url, "--user", "alice", "--password-file", str(PASSWORD), "--ca", str(AUTHORITY.ca), *more]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert world.password("alice") not in done.stdout + done.stderr
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["well"] == (done.returncode == 0)
    return report


def found(url, *more):
    """The problems found, each with what was seen."""
    return {problem["problem"]: problem["seen"] for problem in doctor(url, *more)["problems"]}


RECIPES = {f"{name}{words}": (name, base_path) for name in PROXIES for words, base_path in (("", ""), (" with a base path", "/cal"))}


@each(*RECIPES)
def healthy(recipe):
    """recipe {}: the doctor finds nothing to mend, by host name and by address, writing or not, over HTTP/2 too"""
    name, base_path = RECIPES[recipe]
    with PROXIES[name].running(AUTHORITY, server(base_path), base_path) as url:
        for typed in {url, f"{url}{base_path}/", f"{url}{base_path}/dav/"}:
            report = doctor(typed, "--write")
            assert report["problems"] == [], (typed, report["problems"])
            assert all(client["verdict"] == "works" for client in report["clients"]), report["clients"]
            assert not any("HTTP/2" in remark for remark in report["remarks"]), report["remarks"]


def curl(*words):
    """Status, headers and body."""
    done = subprocess.run(["curl", "-sS", "-i", "--cacert", str(AUTHORITY.ca), "-u", f"alice:{world.password('alice')}", *words], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    while head.split()[1] == b"100":
        head, _, body = body.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines[1:] if ": " in line)}
    return int(lines[0].split()[1]), headers, body.decode()


@each(*RECIPES)
def bytes_and_tags(recipe):
    """recipe {}: curl puts, reads, moves and deletes an event with a difficult name; bytes and tag stay what they are"""
    name, base_path = RECIPES[recipe]
    text = world.event("through@example.org", "Through", extra=["DESCRIPTION:" + "long enough to be packed " * 40])
    (HOME / "event.ics").write_bytes(text.encode())
    with PROXIES[name].running(AUTHORITY, server(base_path), base_path) as url:
        calendar = f"{url}{base_path}/dav/calendars/alice/work/"
        event = calendar + "a%20b%2Bc%40d%25e%C3%A9.ics"
        put = ["--data-binary", f"@{HOME / 'event.ics'}", "-H", "Content-Type: text/calendar", "-X", "PUT", "-H", "Expect: 100-continue"]
        status, headers, _ = curl(*put, "-H", "If-None-Match: *", event)
        assert status == 201, status
        tag = headers["etag"]
        assert re.fullmatch(r'"[^"]+"', tag), tag
        for more in ([], ["-H", "Accept-Encoding: gzip, deflate, br"], ["--http1.1"]):
            status, headers, body = curl(*more, event)
            assert (status, headers["etag"], body) == (200, tag, text), (status, headers)
        assert curl("-H", f"If-None-Match: {tag}", event)[0] == 304
        assert curl(*put, "-H", "If-None-Match: *", event)[0] == 412
        assert curl(*put, "-H", "If-Match: \"other\"", event)[0] == 412
        assert curl(*put, "--http1.1", "-H", "Transfer-Encoding: chunked", "-H", f"If-Match: {tag}", event)[0] == 204
        assert curl("-X", "MOVE", "-H", f"Destination: {calendar}moved.ics", event)[0] == 201
        assert curl("-X", "COPY", "-H", f"Destination: {calendar}copy.ics", "-H", "Overwrite: F", calendar + "moved.ics")[0] in (201, 403, 409)
        assert curl("-X", "DELETE", calendar + "moved.ics")[0] == 204
        curl("-X", "DELETE", calendar + "copy.ics")


@each(*RECIPES)
def discovery(recipe):
    """recipe {}: the well-known address redirects within the host, whatever its port"""
    name, base_path = RECIPES[recipe]
    with PROXIES[name].running(AUTHORITY, server(base_path), base_path) as url:
        for method in ("GET", "PROPFIND"):
            status, headers, _ = curl("-X", method, f"{url}/.well-known/caldav")
            assert (status, headers["location"]) == (301, f"{base_path}/dav/"), (status, headers)
        status, _, body = curl("-L", "-X", "PROPFIND", "-H", "Depth: 0", f"{url}/.well-known/caldav")
        assert status in (207, 301) and f"{base_path}/dav/" in body


@each(*RECIPES)
def synchronized(recipe):
    """recipe {}: vdirsyncer finds alice's calendar, and what changes on either side comes to the other, once"""
    name, base_path = RECIPES[recipe]
    with PROXIES[name].running(AUTHORITY, server(base_path), base_path) as url:
        before, world.URL = world.URL, f"{url}{base_path}/"
        try:
            vdir = Vdir("alice", f"through-{name}{base_path.replace('/', '-')}", "default", f'verify = "{AUTHORITY.ca}"')
            vdir.put("mine.ics", world.event(f"through-{name}", f"Mine through {name}"))
            vdir.sync()
            status, headers, body = curl(f"{url}{base_path}/dav/calendars/alice/default/through-{name}.ics")
            assert status == 200 and f"Mine through {name}" in body, (status, headers)
            (HOME / "event.ics").write_bytes(body.replace("Mine", "Theirs").encode())
            put = ["-T", str(HOME / "event.ics"), "-H", "Content-Type: text/calendar", "-H", f"If-Match: {headers['etag']}"]
            assert curl(*put, f"{url}{base_path}/dav/calendars/alice/default/through-{name}.ics")[0] == 204
            vdir.sync()
            assert f"Theirs through {name}" in vdir.summaries(), vdir.summaries()
            again = vdir.sync()
            assert "Copying" not in again and "Deleting" not in again, again
        finally:
            world.URL = before


@each(*PROXIES)
def addressed(name):
    """recipe {}: a failed sign-in is counted for the client's own address, whatever the client says of itself"""
    log, before = HOME / "server/log", len((HOME / "server/log").read_text())
    with PROXIES[name].running(AUTHORITY, server("")) as url:
        for header in ("X-Forwarded-For: 192.0.2.66", "Forwarded: for=192.0.2.66", "X-Real-IP: 192.0.2.66"):
            # From an address that is not the proxy's own.
            words = ["--cacert", str(AUTHORITY.ca), "--interface", "127.0.0.9", "-u", "alice:wrong", "-H", header, f"{url}/dav/"]
            subprocess.run(["curl", "-sS", "-o", os.devnull, *words], check=True, timeout=60)
    told = re.findall(r"sign-in failed user=alice ip=(\S+)", log.read_text()[before:])
    assert told == ["127.0.0.9"] * 3, told


DEAD = f"127.0.0.1:{proxies.free_port()}"
# What is done wrong, the recipe's base path, the changes of its text, and the problem; of the server, the base path it is told.
WRONG = {
    "nginx": [
        ("gzip on", "", [("gzip off;", "gzip on; gzip_types text/calendar; gzip_min_length 1; gzip_proxied any;")], "compression"),
        ("gzip on for everything", "", [("gzip off;", "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;")], "compression"),
        ("limit_except", "", [("gzip off;", "gzip off; limit_except GET HEAD OPTIONS PUT DELETE PROPFIND { deny all; }")], "method-refused"),
        ("limit_except without PROPFIND", "", [("gzip off;", "gzip off; limit_except GET POST { deny all; }")], "method-refused"),
        ("OPTIONS answered for CORS", "", [("gzip off;", "gzip off; if ($request_method = OPTIONS) { return 204; }")], "dav-header-missing"),
        ("DAV header removed", "", [("gzip off;", "gzip off; proxy_hide_header DAV;")], "dav-header-missing"),
        ("challenge removed", "", [("gzip off;", "gzip off; proxy_hide_header WWW-Authenticate;")], "challenge-missing"),
        ("Authorization stripped", "", [("gzip off;", 'gzip off; proxy_set_header Authorization "";')], "authorization-stripped"),
        ("conditions stripped", "", [("gzip off;", 'gzip off; proxy_set_header If-None-Match "";')], "conditions-stripped"),
        ("body limit", "", [("client_max_body_size 5m", "client_max_body_size 100k")], "body-limit"),
        ("Host not passed", "", [("proxy_set_header Host $http_host;", "")], "destination-refused"),
        ("Host without its port", "", [("$http_host", "$host")], "destination-refused"),
        ("redirect to http", "", [("location / {", "location = /.well-known/caldav { return 301 http://HERE/dav/; }\nlocation / {")], "redirect-to-http"),
        ("redirect without the port", "", [("location / {", "location = /.well-known/caldav { return 301 https://$host/dav/; }\nlocation / {")],
         "redirect-loses-port"),
        ("well-known not passed", "", [("location / {", "location /.well-known/ { return 404; }\nlocation / {")], "well-known-missing"),
        ("well-known not passed beside a base path", "/cal", [(r"|\.well-known/caldav$", "")], "well-known-missing"),
        ("base path taken off", "/cal", [("proxy_pass http://127.0.0.1:8008;", "rewrite ^/cal(.*) $1 break; proxy_pass http://127.0.0.1:8008;")],
         "base-path"),
        ("path decoded and encoded anew", "", [("location / {", r"location ~ ^/(?<rest>.*) {" "\n" "set $path /$rest; if ($request_uri ~ ^(.*)%(.*)$) { set $path $1%25$2; }"),
                                               ("proxy_pass http://127.0.0.1:8008;", "proxy_pass http://127.0.0.1:8008$path;")], "path-mangled"),
        ("nobody behind it", "", [("127.0.0.1:8008", DEAD)], "server-silent"),
        ("a login before it", "", [("gzip off;", 'gzip off; auth_request /check; error_page 403 = @login; error_page 500 = @login;'),
                                   ("location / {", "location @login { return 302 https://login.example.org/; }\nlocation = /check { internal; return 403; }\nlocation / {")],
         "login-page"),
    ],
    "apache": [
        ("mod_deflate", "", [("SetEnv no-gzip 1", "AddOutputFilterByType DEFLATE text/calendar")], "compression"),
        ("LimitExcept", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\n<Location />\n<LimitExcept GET HEAD OPTIONS PUT DELETE PROPFIND REPORT>\nRequire all denied\n</LimitExcept>\n</Location>")],
         "method-refused"),
        ("Limit without PROPFIND", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\n<Location />\n<Limit PROPFIND>\nRequire all denied\n</Limit>\n</Location>")],
         "method-refused"),
        ("DAV header removed", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\nHeader unset DAV")], "dav-header-missing"),
        ("challenge removed", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\nHeader unset WWW-Authenticate")], "challenge-missing"),
        ("Authorization stripped", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\nRequestHeader unset Authorization")], "authorization-stripped"),
        ("tag removed", "", [("SetEnv no-gzip 1", "SetEnv no-gzip 1\nHeader unset ETag")], "tag-missing"),
        ("Host not passed", "", [("ProxyPreserveHost On", "ProxyPreserveHost Off")], "destination-refused"),
        ("redirect to http", "", [("ProxyPreserveHost On", "ProxyPreserveHost On\nRewriteEngine On\nRewriteRule ^/.well-known/caldav http://HERE/dav/ [R=301,L]")],
         "redirect-to-http"),
        ("well-known not passed", "", [("ProxyPreserveHost On", "ProxyPreserveHost On\nProxyPass /.well-known !")], "well-known-missing"),
        ("base path taken off", "/cal", [("http://127.0.0.1:8008/cal nocanon", "http://127.0.0.1:8008 nocanon")], "base-path"),
        ("nobody behind it", "", [("127.0.0.1:8008", DEAD)], "server-silent"),
    ],
    "caddy": [
        ("encode", "", [("reverse_proxy", "encode gzip {\nminimum_length 1\nmatch header Content-Type text/calendar*\n}\nreverse_proxy")], "compression"),
        ("methods answered with 405", "", [("reverse_proxy", "@strange method PROPPATCH MKCALENDAR MOVE\nrespond @strange 405\nreverse_proxy")], "method-refused"),
        ("REPORT answered with 501", "", [("reverse_proxy", "@strange method REPORT\nrespond @strange 501\nreverse_proxy")], "method-refused"),
        ("DAV header removed", "", [("reverse_proxy", "header -DAV\nreverse_proxy")], "dav-header-missing"),
        ("Authorization stripped", "", [("reverse_proxy", "request_header -Authorization\nreverse_proxy")], "authorization-stripped"),
        ("body limit", "", [("reverse_proxy", "request_body {\nmax_size 100KB\n}\nreverse_proxy")], "body-limit"),
        ("Host not passed", "", [("reverse_proxy 127.0.0.1:8008", "reverse_proxy 127.0.0.1:8008 {\nheader_up Host {upstream_hostport}\n}")], "destination-refused"),
        ("redirect to http", "", [("reverse_proxy", "redir /.well-known/caldav http://HERE/dav/ 301\nreverse_proxy")], "redirect-to-http"),
        ("well-known not passed", "", [("reverse_proxy", "respond /.well-known/* 404\nreverse_proxy")], "well-known-missing"),
        ("base path taken off", "/cal", [("reverse_proxy @shoji 127.0.0.1:8008", "handle_path /cal/* {\nreverse_proxy 127.0.0.1:8008\n}")], "base-path"),
        ("nobody behind it", "", [("127.0.0.1:8008", DEAD)], "server-silent"),
    ],
}
CASES = {f"{name}, {what}": (name, base_path, changes, problem) for name, cases in WRONG.items() for what, base_path, changes, problem in cases}


@each(*CASES)
def misconfigured(case):
    """wrong: {}: the doctor names just that"""
    name, base_path, changes, problem = CASES[case]
    # A base path that is taken off is lost to a server that does not know of it.
    told = "" if problem == "base-path" else base_path
    with PROXIES[name].running(AUTHORITY, server(told), base_path, changes) as url:
        problems = found(f"{url}{base_path}/")
        assert list(problems) == [problem], problems


try:
    world.run(", ".join(f"{proxy.name} {proxy.version}" for proxy in PROXIES.values()))
finally:
    for process in STARTED:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.wait(30)
