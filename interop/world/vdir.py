"""One person's calendars on disk (a vdir), synchronized by vdirsyncer. Shared by the suites of vdirsyncer and khal."""

import pathlib
import re
import subprocess

import world
from click.testing import CliRunner
from vdirsyncer.cli import app


class Vdir:
    """A folder, a configuration and a status of one person and one collection; without a collection it can only discover."""

    def __init__(self, who, folder, collection=None, server="", pair=""):
        self.who = who
        self.home = pathlib.Path.cwd() / f"{who}-{folder}"
        self.home.mkdir(parents=True, exist_ok=True)
        self.items = self.home / "items" / "here"
        self.items.mkdir(parents=True, exist_ok=True)
        collections = f'[["here", "here", "{collection}"]]' if collection else '["from b"]'
        (self.home / "config").write_text(f'''[general]
status_path = "{self.home}/status"
[pair calendars]
a = "local"
b = "server"
collections = {collections}
{pair}
[storage local]
type = "filesystem"
path = "{self.home}/items"
fileext = ".ics"
[storage server]
type = "caldav"
url = "{world.URL}"
username = "{who}"
password = "{world.password(who)}"
{server}
''')
        if collection:
            self.done("discover", "--no-list")

    def command(self, *words):
        """Runs vdirsyncer's command line in this process: a new one takes longer to start than most synchronizations take.
        Whether it went through, and what it said."""
        done = CliRunner().invoke(app, ["-c", str(self.home / "config"), *words], input="y\n" * 20)
        return done.exit_code == 0, done.output

    def done(self, *words):
        """As `command`; fails unless it went through. Returns what was said."""
        through, said = self.command(*words)
        assert through, said
        return said

    def discovered(self):
        """The collections that `vdirsyncer discover` lists for the server, in a process of its own."""
        line = ["vdirsyncer", "-c", str(self.home / "config"), "discover", "--list"]
        done = subprocess.run(line, input="y\n" * 20, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        part = (done.stdout + done.stderr).split("server:", 1)[1]
        return re.findall(r'^ +- "([^"]+)"', part, re.M)

    def sync(self):
        """Synchronizes; fails unless it went through."""
        return self.done("sync")

    def fails(self):
        """Synchronizes; fails if it went through. Returns what was said."""
        through, said = self.command("sync")
        assert not through, f"was not refused: {said}"
        return said

    def texts(self):
        """file name -> iCalendar text, unfolded."""
        return {path.name: path.read_bytes().decode().replace("\r\n", "\n").replace("\n ", "") for path in sorted(self.items.glob("*.ics"))}

    def summaries(self):
        """Every SUMMARY of every component that has one, sorted; alarms have none."""
        return sorted(line.split(":", 1)[1] for text in self.texts().values() for line in text.split("\n") if line.startswith("SUMMARY"))

    def file_of(self, word):
        """The one file that holds a word."""
        (name,) = [name for name, text in self.texts().items() if word in text]
        return self.items / name

    def put(self, name, text):
        (self.items / name).write_bytes(text.encode())

    def replace(self, old, new):
        """Edits the one file that holds a word."""
        path = self.file_of(old)
        path.write_bytes(path.read_bytes().decode().replace(old, new).encode())

