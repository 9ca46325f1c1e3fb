"""calcurse-caldav: a calendar in a terminal and its server, in both directions, as the owner and as a grantee of every level.

Two things of calcurse's own show here: a changed event is a new one to it, so it puts the new and deletes the old; and it keeps
the series and its moved instances as separate events, so that both are shown at the old time."""

import pathlib
import re
import subprocess

import world
from world import LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

# Debian's own Python, for which its packages are installed.
COMMAND = ["/usr/bin/python3", "/usr/bin/calcurse-caldav"]
ADDRESS = world.URL.removeprefix("http://").rstrip("/")
WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}


class Calcurse:
    """One person's calcurse: a folder of appointments and the state of its synchronization with one calendar."""

    def __init__(self, who, folder, collection, home=None):
        self.home = pathlib.Path.cwd() / f"{who}-{folder}"
        self.data = self.home / "data"
        self.data.mkdir(parents=True)
        (self.home / "config").write_text(
            f"[General]\nBinary = /usr/bin/calcurse\nHostname = {ADDRESS}\nPath = /dav/calendars/{home or who}/{collection}/\n"
            f"HTTPS = No\nDryRun = No\n[Auth]\nUsername = {who}\nPassword = {world.password(who)}\n")

    def caldav(self, *words):
        files = ["--config", self.home / "config", "--datadir", self.data, "--syncdb", self.home / "sync.db",
                 "--lockfile", self.home / "lock", "--hookdir", self.home / "hooks"]
        return subprocess.run([*COMMAND, *files, *words], capture_output=True, text=True, timeout=60)

    def sync(self, *words):
        """Synchronizes, which must go through: imported, removed here, exported, removed there."""
        done = self.caldav(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return tuple(int(number) for number in re.findall(r"\d+(?= items)", done.stdout))

    def begin(self):
        return self.sync("--init", "keep-remote")

    def refused(self, status, *words):
        """Synchronizes, which must be refused with this status."""
        done = self.caldav(*words)
        assert done.returncode != 0, f"was not refused: {done.stdout}"
        assert f"HTTP status code {status}" in done.stderr.replace("\nerror: ", " "), done.stderr

    def calcurse(self, *words, stdin=""):
        done = subprocess.run(["calcurse", "-D", self.data, *words], input=stdin, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def add(self, text):
        self.calcurse("-i", "-", "-q", stdin=text)

    def remove(self, summary):
        self.calcurse("-P", "--filter-pattern", summary)

    def change(self, old, new):
        path = self.data / "apts"
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new))

    def june(self):
        """START SUMMARY of each instance of June 2026, as seen.json has it."""
        timed, day, lines = "%(start:%Y%m%dT%H%M%SZ) %m\\n", "", []
        formats = [f"--format-apt=@{timed}", f"--format-recur-apt=@{timed}", "--format-event=@ %m\\n", "--format-recur-event=@ %m\\n"]
        for line in self.calcurse("-Q", "--from", "06/01/2026", "--days", "30", "--filter-type", "cal", *formats).splitlines():
            heading = re.fullmatch(r"(\d\d)/(\d\d)/26:", line)
            if heading:
                day = "2026" + "".join(heading.groups())
            elif line.startswith("@"):
                lines.append(day + line[1:] if line.startswith("@ ") else line[1:])
        return sorted(lines)

    def summaries(self):
        return sorted(line.split(" ", 1)[1] for line in self.june())

    def files(self):
        """Everything that was kept on the disk."""
        paths = [self.data / "apts", self.data / "todo", *(self.data / "notes").glob("*")]
        return "".join(path.read_text() for path in paths)


def shared(name, texts, levels=LEVELS):
    """A calendar for one test: its name for each person."""
    return world.names_of(f"alice/{name}", lambda: world.calendar(name, levels, texts))


def anew(who, folder, names):
    """What somebody sees who synchronizes for the first time."""
    calcurse = Calcurse(who, folder, names[who])
    calcurse.begin()
    return calcurse.summaries()


@each(OWNER, *LEVELS)
def view(who):
    """view: {} has on disk exactly what the level shows, and no withheld word; at the owner's path too"""
    # What calcurse shows besides: the instances of the series that its exceptions replace.
    title = "Busy" if who == "free-busy" else "Stand-up"
    expected = sorted([*world.SEEN[who], f"20260608T080000Z {title}", f"20260615T080000Z {title}"])
    for folder, collection, home in [("mount", WORK[who], who), ("path", "work", OWNER)]:
        calcurse = Calcurse(who, folder, collection, home)
        calcurse.begin()
        assert calcurse.june() == expected, calcurse.june()
        world.no_withheld_word(who, calcurse.files())


@each(*SEES_NOTHING)
def absent(who):
    """view: {} gets nothing at the owner's address"""
    Calcurse(who, "nothing", "work", OWNER).refused(404, "--init", "keep-remote")


@each(OWNER, "edit", "edit-delete")
def both_directions(who):
    """writing: what {} adds arrives, and what the owner adds, changes and deletes comes back"""
    names = shared(f"both-{who}", [world.event("first@example.org", "First"), world.event("goes@example.org", "Goes")])
    calcurse, owner = Calcurse(who, "both", names[who]), Calcurse(OWNER, f"both-of-{who}", names[OWNER])
    assert calcurse.begin() == (2, 0, 0, 0) and owner.begin() == (2, 0, 0, 0)
    calcurse.add(world.event("second@example.org", "Second", extra=["LOCATION:Cellar"]))
    assert calcurse.sync() == (0, 0, 1, 0)
    assert owner.sync() == (1, 0, 0, 0)
    assert "Location: Cellar" in owner.files(), owner.files()
    owner.remove("Goes")
    owner.change("Second", "Third")
    owner.add(world.event("fourth@example.org", "Fourth"))
    assert owner.sync() == (0, 0, 2, 2)
    calcurse.sync()
    assert calcurse.summaries() == owner.summaries() == ["First", "Fourth", "Third"], calcurse.summaries()
    assert calcurse.sync() == (0, 0, 0, 0)


@each(OWNER, "edit-delete")
def change_and_deletion(who):
    """writing: what {} changes and deletes on disk is changed and deleted"""
    names = shared(f"change-{who}", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    calcurse = Calcurse(who, "change", names[who])
    calcurse.begin()
    calcurse.change("One", "Changed")
    calcurse.remove("Two")
    assert calcurse.sync() == (0, 0, 1, 2)
    assert anew(OWNER, f"change-of-{who}", names) == ["Changed"]


@test
def refused_deletion():
    """writing: what edit deletes on disk is refused, keeps standing at the owner's, and is back on the disk by itself"""
    names = shared("keep", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    calcurse = Calcurse("edit", "keep", names["edit"])
    calcurse.begin()
    calcurse.remove("One")
    calcurse.refused(403)
    assert anew(OWNER, "keep-of-edit", names) == ["One", "Two"]
    back(calcurse)
    assert calcurse.summaries() == ["One", "Two"], calcurse.summaries()


@test
def refused_change():
    """writing: what edit changes on disk stands beside the old event, which is not deleted, and nothing is lost"""
    names = shared("beside", [world.event("one@example.org", "One")])
    calcurse = Calcurse("edit", "beside", names["edit"])
    calcurse.begin()
    calcurse.change("One", "Changed")
    calcurse.refused(403)
    assert anew(OWNER, "beside-of-edit", names) == ["Changed", "One"]
    assert anew("edit", "beside-anew", names) == ["Changed", "One"]


@each(*READ_ONLY)
def read_only(who):
    """writing: what {} adds or deletes on disk is refused; nothing reaches the owner, and what was deleted comes back"""
    names = shared(f"read-{who}", [world.event("kept@example.org", "Kept"), world.event("other@example.org", "Other", "20260618T120000Z", "20260618T130000Z")])
    shown = ["Busy", "Busy"] if who == "free-busy" else ["Kept", "Other"]
    adding, deleting = Calcurse(who, "add", names[who]), Calcurse(who, "delete", names[who])
    for calcurse in [adding, deleting]:
        calcurse.begin()
        assert calcurse.summaries() == shown, calcurse.summaries()
    adding.add(world.event("new@example.org", "New"))
    adding.refused(403)
    # Only as a whole file, for both are called the same at free-busy.
    (deleting.data / "apts").write_text("".join((deleting.data / "apts").read_text().splitlines(True)[1:]))
    deleting.refused(403)
    back(deleting)
    assert deleting.summaries() == shown, deleting.summaries()
    assert anew(OWNER, f"read-of-{who}", names) == ["Kept", "Other"]


@each("edit", "edit-delete")
def withheld(who):
    """writing: {} can neither delete nor change a private event; the owner's stays whole"""
    names = shared(f"withheld-{who}", [world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])])
    calcurse = Calcurse(who, "withheld", names[who])
    calcurse.begin()
    assert calcurse.summaries() == ["Private event"], calcurse.summaries()
    assert "Words" not in calcurse.files() and "Secret" not in calcurse.files()
    calcurse.remove("Private event")
    calcurse.refused(403)
    owner = Calcurse(OWNER, f"withheld-of-{who}", names[OWNER])
    owner.begin()
    assert owner.summaries() == ["Secret"] and "Words" in owner.files(), owner.files()


def back(calcurse):
    """Synchronizes until it goes through: the first time calcurse still means to delete what it has just fetched again."""
    if calcurse.caldav().returncode != 0:
        calcurse.sync()


@test
def conflict():
    """conflicts: what one deletes while the other changes it is kept, and comes back to the one who deleted"""
    names = shared("clash", [world.event("talk@example.org", "Talk")])
    calcurse = Calcurse("edit-delete", "clash", names["edit-delete"])
    calcurse.begin()
    (href,) = [line.split()[0] for line in (calcurse.home / "sync.db").read_text().splitlines()]
    world.request(OWNER, "PUT", f"/dav/calendars/alice/clash/{href.rsplit('/', 1)[1]}",
                  world.event("talk@example.org", "Talk moved"), {"Content-Type": "text/calendar"})
    calcurse.remove("Talk")
    calcurse.sync()
    assert anew(OWNER, "clash-of", names) == ["Talk moved"]
    calcurse.caldav()
    assert calcurse.summaries() == ["Talk moved"], calcurse.summaries()


@test
def level_changes():
    """changes: as the level of a share falls and rises, each sync takes from the disk what may no longer be seen"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words", "LOCATION:Cellar"])]
    calcurse = Calcurse("details", "fall", shared("fall", texts, ["details"])["details"])
    calcurse.begin()
    assert calcurse.summaries() == ["Talk"] and "Words" in calcurse.files()
    for level, summary in [("titles", "Talk"), ("free-busy", "Busy"), ("details", "Talk"), ("free-busy", "Busy"), ("titles", "Talk")]:
        world.share("alice/fall", "details", level)
        calcurse.sync()
        assert calcurse.summaries() == [summary], (level, calcurse.summaries())
        assert calcurse.sync() == (0, 0, 0, 0), level
    world.share("alice/fall", "details", "none")
    calcurse.refused(404)
    world.share("alice/fall", "details", "edit-delete")
    calcurse.sync()
    calcurse.remove("Talk")
    assert calcurse.sync() == (0, 0, 0, 1)


world.run(world.debian("calcurse"))
