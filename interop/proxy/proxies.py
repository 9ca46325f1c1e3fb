"""Debian's nginx, Apache and Caddy, each started on loopback with a recipe of contrib/proxy/.

A recipe is used as it stands: only host, port, certificate, web site and the address behind it are put in, and around it stands
what Debian's own configuration has around it. A misconfiguration is a text put in another's place."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

RECIPES = pathlib.Path(os.environ["INTEROP_ROOT"]) / "contrib/proxy"
APACHE_MODULES = ["mpm_event", "authz_core", "ssl", "http2", "proxy", "proxy_http", "headers", "alias", "filter", "deflate", "dir", "mime", "env", "rewrite"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, f"{words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


class Authority:
    """An authority of our own, and a certificate of `localhost` by it: made anew, none can expire."""

    def __init__(self, home):
        home.mkdir()
        self.ca, self.cert, self.key = home / "ca.pem", home / "fullchain.pem", home / "privkey.pem"
        authority_key = home / "ca.key"
        elliptic = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        run("openssl", "req", "-x509", *elliptic, "-keyout", authority_key, "-out", self.ca, "-days", "30", "-subj", "/CN=Authority of a test",
            "-addext", "keyUsage=critical,keyCertSign")
        run("openssl", "req", *elliptic, "-keyout", self.key, "-out", home / "request.pem", "-subj", "/CN=localhost")
        (home / "extensions").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n")
        run("openssl", "x509", "-req", "-in", home / "request.pem", "-CA", self.ca, "-CAkey", authority_key, "-CAcreateserial", "-out", self.cert,
            "-days", "30", "-extfile", home / "extensions")


class Proxy:
    """How one of them is configured and started."""

    def __init__(self, name, recipe, version):
        self.name, self.recipe, self.version = name, recipe, version

    def text(self, base_path, changes):
        """The recipe with each change made: an old text that must stand in it, and the new one."""
        file = {"": self.recipe, "/cal": self.recipe.replace(".conf", "-base-path.conf") if ".conf" in self.recipe else f"{self.recipe}-base-path"}[base_path]
        text = (RECIPES / file).read_text()
        for old, new in changes:
            assert old in text, f"{file} has no {old!r}"
            text = text.replace(old, new)
        return text

    @contextlib.contextmanager
    def running(self, authority, backend, base_path="", changes=()):
        """The address of the proxy before `backend` (host and port)."""
        port = free_port()
        home = pathlib.Path.cwd() / f"{self.name}-{port}"
        (home / "www").mkdir(parents=True)
        (home / "www/index.html").write_text("<p>A web site</p>")
        # The address the recipe was written for may stand in a change as well: as HERE.
        text = self.text(base_path, changes).replace("HERE", f"localhost:{port}")
        for old, new in [("127.0.0.1:8008", backend), ("/etc/ssl/cal.example.org/fullchain.pem", str(authority.cert)),
                         ("/etc/ssl/cal.example.org/privkey.pem", str(authority.key)), ("/var/www/html", str(home / "www"))]:
            text = text.replace(old, new)
        words = getattr(self, self.name)(home, text, port, authority)
        with open(home / "log", "w") as log:
            process = subprocess.Popen(words, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self.wait(process, port, home)
            yield f"https://localhost:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def wait(self, process, port, home):
        until = time.monotonic() + 30
        while True:
            assert process.poll() is None and time.monotonic() < until, f"{self.name} does not start: {(home / 'log').read_text()}"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)

    def nginx(self, home, text, port, _authority):
        (home / "nginx.conf").write_text(f"""
daemon off; pid {home}/pid; error_log {home}/error.log; user root; worker_processes 1;
events {{}}
http {{
    access_log off; types {{ text/html html; }}
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    {text.replace("listen 443", f"listen 127.0.0.1:{port}").replace("cal.example.org", "localhost")}
}}
""")
        return ["nginx", "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]

    def apache(self, home, text, port, _authority):
        modules = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in APACHE_MODULES)
        (home / "apache.conf").write_text(f"""
ServerRoot {home}
DefaultRuntimeDir {home}
PidFile {home}/pid
ErrorLog {home}/error.log
TypesConfig /dev/null
User www-data
Group www-data
Listen 127.0.0.1:{port}
{modules}
# As Debian's deflate.conf does.
AddOutputFilterByType DEFLATE text/html text/plain text/xml text/css application/xml
<Directory {home}>
    Require all granted
</Directory>
{text.replace("*:443", f"127.0.0.1:{port}").replace("cal.example.org", "localhost")}
""")
        return ["apache2", "-f", str(home / "apache.conf"), "-DFOREGROUND"]

    def caddy(self, home, text, port, authority):
        # Certificates come by themselves where there is a network; here they are given.
        site = f"https://localhost:{port} {{\n    tls {authority.cert} {authority.key}"
        text = re.sub(r"^cal\.example\.org \{", site, text, flags=re.M)
        (home / "Caddyfile").write_text("{\n    admin off\n    default_bind 127.0.0.1\n    auto_https disable_redirects\n}\n" + text)
        return ["caddy", "run", "--config", str(home / "Caddyfile"), "--adapter", "caddyfile"]


def all_three():
    def first(*words):
        return re.search(r"\d+\.\d+\.\d+", run(*words)).group()
    return [Proxy("nginx", "nginx.conf", first("nginx", "-v")), Proxy("apache", "apache.conf", first("apache2", "-v")),
            Proxy("caddy", "Caddyfile", first("caddy", "version"))]
