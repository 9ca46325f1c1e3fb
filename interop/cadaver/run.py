"""cadaver: the classic WebDAV client on a command line, as the owner and as a grantee of every level."""

import os
import pathlib
import re
import subprocess

import world
from world import LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}
FILES = ["budget", "hold", "lunch", "offsite", "pitch", "report", "review", "standup", "therapy"]
# What is shown whole keeps its name; what is reduced bears another.
REAL = {OWNER: FILES, "free-busy": [], "titles": []} | {who: ["hold", "lunch", "offsite", "pitch", "report", "review"] for who in ("details", "edit", "edit-delete")}
NUMBER = {"free-busy": 6, "titles": 8}
# Words in objects as stored, in the order of their files.
WORDS = ["Marzipan", "Toffee", "Caramel", "Truffle"]


def session(who, *commands, home=None):
    """Runs commands in a home; what cadaver says to each."""
    place = pathlib.Path.cwd() / f"home-of-{who}"
    place.mkdir(exist_ok=True)
    netrc = place / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\nlogin {who}\npassword {world.password(who)}\n")
    netrc.chmod(0o600)
    script = "".join(command + "\n" for command in [*commands, "quit"])
    done = subprocess.run(["cadaver", f"{world.URL}dav/calendars/{home or who}/"], input=script, capture_output=True, text=True, timeout=60,
                          cwd=place, env=os.environ | {"HOME": str(place), "TERM": "dumb", "COLUMNS": "1000"})
    assert done.returncode == 0, done.stdout + done.stderr
    parts = re.split(r"^dav:\S+> .*\n", done.stdout, flags=re.M)
    assert len(parts) == len(commands) + 2, f"{len(parts)} parts: {done.stdout}{done.stderr}"
    return parts[1:-1]


def one(who, command, home=None):
    return session(who, command, home=home)[0]


def succeeds(who, *commands, home=None):
    said = session(who, *commands, home=home)
    for command, words in zip(commands, said):
        assert "succeeded." in words and "failed" not in words, f"{command}: {words}"
    return said


def refused(who, status, *commands, home=None):
    """Runs commands that must each be refused with this status."""
    for command, words in zip(commands, session(who, *commands, home=home)):
        assert "failed" in words and words.rstrip().splitlines()[-1].startswith(str(status)), f"{command}: {words}"


def listed(who, path, home=None):
    """The names that a listing shows. Events have a date for their owner alone, and without one cadaver writes `Error` before
    the name."""
    said = one(who, f"ls {path}", home=home)
    if "collection is empty" in said:
        return []
    assert "succeeded" in said, said
    rows = [line.removeprefix("Coll:").removeprefix("Error:").split() for line in said.splitlines()[1:]]
    return sorted(row[0] for row in rows)


def file(who, name, text):
    """A file for this person to put."""
    place = pathlib.Path.cwd() / f"home-of-{who}"
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(text.encode())


def cat(who, path, home=None):
    return one(who, f"cat {path}", home=home)


def shared(name, texts, levels=LEVELS):
    """A calendar for one test: its name for each person."""
    return world.names_of(f"alice/{name}", lambda: world.calendar(name, levels, texts))


@each(OWNER, *LEVELS)
def listing(who):
    """listing: {} sees the calendar among the own ones and in it just what the level shows, under the names it shows"""
    assert listed(who, ".") == sorted(["default", WORK[who]])
    names = listed(who, WORK[who])
    assert listed(who, "work", OWNER) == names
    assert len(names) == NUMBER.get(who, len(FILES)), names
    real = [f"{name}@example.org.ics" for name in REAL[who]]
    assert [name for name in names if "@" in name] == real, names
    assert all(re.fullmatch(r"[a-z2-7]{26}\.ics", name) for name in names if name not in real), names


@test
def sizes_and_dates():
    """listing: the owner sees size and date of each event; a grantee sees no date, by no command"""
    said = one(OWNER, "ls work")
    rows = [line.split() for line in said.splitlines()[1:]]
    assert len(rows) == len(FILES) and all(len(row) == 5 and int(row[1]) > 100 for row in rows), said
    for who in LEVELS:
        for command in [f"ls {WORK[who]}", *(f"propget {WORK[who]}/{name}" for name in listed(who, WORK[who]))]:
            words = one(who, command)
            assert not re.search(r"lastmodified|creationdate| \d\d:\d\d\b", words), words


@each(*SEES_NOTHING)
def absent(who):
    """listing: to {} the calendar and what is in it are as absent as what never was"""
    for command in ["ls {}", "cat {}/review@example.org.ics", "delete {}/review@example.org.ics", "propget {} note", "propset {} note x"]:
        there, never = [one(who, command.format(path)).replace(path, "") for path in ["/dav/calendars/alice/work", "/dav/calendars/alice/nowhere"]]
        assert there == never and "404" in there, (there, never)


@each(OWNER, *LEVELS)
def reading(who):
    """reading: {} gets each event with just the words that the level shows, alike with cat, get and at the owner's path"""
    names = listed(who, WORK[who])
    texts = session(who, *(f"cat {WORK[who]}/{name}" for name in names))
    again = session(who, *(f"cat work/{name}" for name in names), home=OWNER)
    assert texts == again, [(one, other) for one, other in zip(texts, again) if one != other]
    succeeds(who, *(f"get {WORK[who]}/{name} got-{name}" for name in names))
    home = pathlib.Path.cwd() / f"home-of-{who}"
    assert [(home / f"got-{name}").read_text() for name in names] == texts
    together = "".join(texts)
    world.no_withheld_word(who, together)
    shown = [word for word in WORDS if word in together]
    assert shown == ([] if who in ("free-busy", "titles") else WORDS), shown


@each(OWNER, "edit", "edit-delete")
def writing(who):
    """writing: what {} puts anew and over an event reaches the owner byte for byte"""
    names = shared(f"put-{who}", [world.event("first@example.org", "First")])
    new, changed = world.event("new@example.org", "New"), world.event("first@example.org", "Changed")
    file(who, "new.ics", new)
    file(who, "changed.ics", changed)
    succeeds(who, f"put new.ics {names[who]}/new.ics", f"put changed.ics {names[who]}/first@example.org.ics")
    got = [cat(OWNER, f"put-{who}/{name}").replace("\r", "") for name in ["new.ics", "first@example.org.ics"]]
    assert got == [new.replace("\r", ""), changed.replace("\r", "")], got


@each(*READ_ONLY)
def read_only(who):
    """writing: all that {} tries on a shared calendar is refused, and the owner's stays"""
    names = shared(f"read-{who}", [world.event("kept@example.org", "Kept")])
    file(who, "new.ics", world.event("new@example.org", "New"))
    (name,) = listed(who, names[who])
    at = names[who]
    refused(who, 403, f"put new.ics {at}/new.ics", f"put new.ics {at}/{name}", f"delete {at}/{name}", f"move {at}/{name} {at}/other.ics",
            f"copy {at}/{name} {at}/other.ics", f"move {at}/{name} default/taken.ics", f"mkcol {at}/folder")
    assert listed(OWNER, f"read-{who}") == ["kept@example.org.ics"]
    assert "SUMMARY:Kept" in cat(OWNER, f"read-{who}/kept@example.org.ics")


@each(OWNER, *LEVELS)
def deleting(who):
    """writing: {} deletes and moves away as far as the level goes"""
    names = shared(f"delete-{who}", [world.event("one@example.org", "One"), world.event("two@example.org", "Two", "20260618T120000Z", "20260618T130000Z")])
    at, (first, second) = names[who], listed(who, names[who])
    if who in (OWNER, "edit-delete"):
        succeeds(who, f"move {at}/{first} default/taken-{who}.ics", f"delete {at}/{second}")
        assert listed(OWNER, f"delete-{who}") == []
        assert "SUMMARY:One" in cat(who, f"default/taken-{who}.ics")
    else:
        refused(who, 403, f"delete {at}/{first}", f"move {at}/{first} default/taken-{who}.ics")
        assert listed(OWNER, f"delete-{who}") == ["one@example.org.ics", "two@example.org.ics"]
        assert f"taken-{who}.ics" not in listed(who, "default")


@each(*LEVELS)
def copying_out(who):
    """writing: {} copies an event into a calendar of his own only where he sees all of it"""
    plain, secret = world.event("open@example.org", "Open"), world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE"])
    names = shared(f"copy-{who}", [plain, secret])
    copies = [one(who, f"copy {names[who]}/{name} default/copy-{number}-{who}.ics") for number, name in enumerate(listed(who, names[who]))]
    done = sorted("succeeded" in said for said in copies)
    assert done == [False, who not in ("free-busy", "titles")], copies
    text = "".join(cat(who, f"default/{name}") for name in listed(who, "default") if name.startswith("copy-"))
    assert "Secret" not in text and ("SUMMARY:Open" in text) == (who not in ("free-busy", "titles")), text


@each("edit", "edit-delete")
def withheld(who):
    """writing: a private event can be neither overwritten, nor deleted, nor moved by {}, and the owner's stays byte for byte"""
    secret = world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])
    names = shared(f"withheld-{who}", [secret])
    (name,) = listed(who, names[who])
    assert "Private event" in cat(who, f"{names[who]}/{name}")
    file(who, "mine.ics", cat(who, f"{names[who]}/{name}").replace("Private event", "Mine"))
    at = f"{names[who]}/{name}"
    refused(who, 403, f"put mine.ics {at}", f"delete {at}", f"move {at} default/mine.ics")
    assert cat(OWNER, f"withheld-{who}/secret@example.org.ics").replace("\r", "") == secret.replace("\r", "")


@each(OWNER, *LEVELS)
def notes(who):
    """properties: a note that {} sets on a calendar and on an event is shown again, and to nobody else"""
    names = shared(f"note-{who}", [world.event("one@example.org", "One")])
    (name,) = listed(who, names[who])
    calendar, event = names[who], f"{names[who]}/{name}"
    succeeds(who, f"propset {calendar} note Noted-{who}")
    assert f"Value of note is: Noted-{who}" in one(who, f"propget {calendar} note")
    on_event = one(who, f"propset {event} note Noted-{who}")
    if who in ("free-busy", "titles"):
        assert "403" in on_event, on_event
    else:
        assert "succeeded" in on_event and f"Noted-{who}" in one(who, f"propget {event} note"), on_event
    for other in [person for person in (OWNER, *LEVELS) if person != who]:
        for path in [names[other], f"{names[other]}/{listed(other, names[other])[0]}"]:
            said = one(other, f"propget {path}")
            assert "Noted" not in said and "resourcetype" in said, said
    succeeds(who, f"propdel {calendar} note")
    assert "404" in one(who, f"propget {calendar} note")


@test
def plain_files():
    """own files: a folder is made, filled, copied, moved, noted on and deleted; nobody else reaches it"""
    file(OWNER, "words.txt", "Some words\n")
    succeeds(OWNER, "mkcol folder", "put words.txt folder/words.txt", "mkcol folder/deeper", "copy folder/words.txt folder/deeper/copy.txt",
             "move folder/words.txt folder/moved.txt", "propset folder/moved.txt note Kept", "copy folder other")
    assert listed(OWNER, "folder") == ["deeper", "moved.txt"] and listed(OWNER, "other/deeper") == ["copy.txt"]
    assert cat(OWNER, "other/deeper/copy.txt") == "Some words\n"
    assert "Value of note is: Kept" in one(OWNER, "propget other/moved.txt note")
    for who in ["edit-delete", "stranger"]:
        at = "/dav/calendars/alice/folder"
        refused(who, 404, f"ls {at}", f"cat {at}/moved.txt", f"delete {at}/moved.txt")
    refused(OWNER, 403, "copy folder/moved.txt work/moved.txt", "mkcol work/folder")
    succeeds(OWNER, "delete folder/moved.txt", "rmcol folder", "rmcol other")
    assert "folder" not in listed(OWNER, ".")


@test
def not_offered():
    """own files: locks and versions are not offered, and said so"""
    refused(OWNER, 405, "lock work/review@example.org.ics", "version work/review@example.org.ics")


@test
def leaving():
    """sharing: a grantee who removes the shared calendar leaves it; the owner keeps it"""
    names = shared("leave", [world.event("one@example.org", "One")], ["titles"])
    succeeds("titles", f"rmcol {names['titles']}")
    assert names["titles"] not in listed("titles", ".")
    assert listed(OWNER, "leave") == ["one@example.org.ics"]


@test
def level_changes():
    """sharing: as the level falls and rises, the next look shows just what may be seen now"""
    at = shared("fall", [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words", "LOCATION:Cellar"])], ["details"])["details"]
    for level, summary, words in [("details", "Talk", True), ("titles", "Talk", False), ("free-busy", "Busy", False), ("details", "Talk", True)]:
        world.share("alice/fall", "details", level)
        (name,) = listed("details", at)
        text = cat("details", f"{at}/{name}")
        assert f"SUMMARY:{summary}" in text and ("Words" in text and "Cellar" in text) == words, (level, text)
        assert (name == "talk@example.org.ics") == words, (level, name)
    refused("details", 403, f"delete {at}/talk@example.org.ics")
    world.share("alice/fall", "details", "edit-delete")
    succeeds("details", f"delete {at}/talk@example.org.ics")
    world.share("alice/fall", "details", "none")
    assert "404" in one("details", f"ls {at}") and at not in listed("details", ".")


world.run(world.debian("cadaver"))
