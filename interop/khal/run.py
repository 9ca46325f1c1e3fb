"""khal: the calendar a person reads in a terminal, from a disk that vdirsyncer fills, as the owner and as every grantee."""

import importlib.metadata
import subprocess

import world
from vdir import Vdir
from world import LEVELS, OWNER, each, test

WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}


def khal(vdir, *words):
    config = vdir.home / "khal"
    config.write_text(f"""[calendars]
[[here]]
path = {vdir.items}
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
default_timezone = UTC
local_timezone = UTC
[default]
default_calendar = here
[sqlite]
path = {vdir.home}/khal.db
""")
    done = subprocess.run(["khal", "-c", str(config), *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listed(vdir, form="{start-date} {start-time} {title}"):
    """The lines of June 2026, without khal's headings of days."""
    text = khal(vdir, "list", "--format", "@" + form, "--day-format", "", "2026-06-01", "2026-06-30")
    return sorted(line[1:].strip() for line in text.splitlines() if line.startswith("@"))


def expected(who):
    """What seen.json says, as khal prints it."""
    lines = []
    for line in world.SEEN[who]:
        start, title = line.split(" ", 1)
        date = f"{start[:4]}-{start[4:6]}-{start[6:8]}"
        lines.append(f"{date} {start[9:11]}:{start[11:13]} {title}" if "T" in start else f"{date}  {title}")
    return sorted(lines)


@each(OWNER, *LEVELS)
def june(who):
    """view: {} reads exactly what the level shows, each instance at its time"""
    vdir = Vdir(who, "work", WORK[who])
    vdir.sync()
    assert listed(vdir) == expected(who), listed(vdir)


@each(OWNER, *LEVELS)
def details(who):
    """view: {} reads places and descriptions as far as the level goes"""
    vdir = Vdir(who, "work", WORK[who])
    vdir.sync()
    text = "\n".join(listed(vdir, "{title} {location} {description} {categories} {organizer}"))
    world.no_withheld_word(who, text)
    assert ("Room Maple" in text and "Marzipan" in text) == (who not in ("free-busy", "titles")), text


@each(OWNER, "edit", "edit-delete")
def new_event(who):
    """writing: an event that {} enters in khal reaches the owner"""
    names = world.names_of(f"alice/new-{who}", lambda: world.calendar(f"new-{who}"))
    vdir, owner = Vdir(who, "new", names[who]), Vdir(OWNER, f"new-of-{who}", names[OWNER])
    vdir.sync()
    khal(vdir, "new", "2026-06-18", "14:00", "15:00", "Entered by hand")
    vdir.sync()
    owner.sync()
    assert listed(owner) == ["2026-06-18 14:00 Entered by hand"], listed(owner)


@test
def level_changes():
    """changes: after a fall to free-busy and a sync khal shows busy times and finds no word of before"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])]
    names = world.names_of("alice/fall", lambda: world.calendar("fall", ["details"], texts))
    vdir = Vdir("details", "fall", names["details"])
    vdir.sync()
    assert "Talk" in khal(vdir, "search", "Words")
    world.share("alice/fall", "details", "free-busy")
    vdir.sync()
    assert listed(vdir) == ["2026-06-17 12:00 Busy"], listed(vdir)
    assert khal(vdir, "search", "Words").strip() == "" and khal(vdir, "search", "Talk").strip() == ""


world.run(f"khal {importlib.metadata.version('khal')}")
