"""khal: the calendar a person reads in a terminal, from a disk that vdirsyncer fills, as the owner and as every grantee."""

import importlib.metadata
import subprocess

import world
from click.testing import CliRunner
from khal.cli import main_khal
from vdir import Vdir
from world import LEVELS, OWNER, READ_ONLY, each, test

WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}


def configured(vdir):
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
    return str(config)


def command(vdir, *words):
    """Runs khal as a person does."""
    done = subprocess.run(["khal", "-c", configured(vdir), *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def khal(vdir, *words):
    """Runs khal's command line in this process: a new one takes longer to start than all that it does."""
    done = CliRunner().invoke(main_khal, ["-c", configured(vdir), *words])
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return done.output


def listed(vdir, form="{start-date} {start-time} {title}", run=khal):
    """The lines of June 2026, without khal's headings of days."""
    text = run(vdir, "list", "--format", "@" + form, "--day-format", "", "2026-06-01", "2026-06-30")
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
    assert listed(vdir, run=command) == expected(who), listed(vdir)


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


@each(*READ_ONLY)
def refused(who):
    """writing: an event that {} enters in khal is refused at the sync, and is not in the owner's calendar"""
    names = world.names_of(f"alice/shut-{who}", lambda: world.calendar(f"shut-{who}", texts=[world.event("talk@example.org", "Talk")]))
    vdir, owner = Vdir(who, "shut", names[who]), Vdir(OWNER, f"shut-of-{who}", names[OWNER])
    vdir.sync()
    khal(vdir, "new", "2026-06-18", "14:00", "15:00", "Entered by hand")
    assert "403" in vdir.fails()
    owner.sync()
    assert listed(owner) == ["2026-06-17 12:00 Talk"], listed(owner)
    # With a read-only storage the disk is as the server is again.
    reader = Vdir(who, "shut-read", names[who], "read_only = true", 'partial_sync = "revert"')
    reader.sync()
    khal(reader, "new", "2026-06-18", "14:00", "15:00", "Entered by hand")
    reader.sync()
    reader.sync()
    assert listed(reader) == [f"2026-06-17 12:00 {'Busy' if who == 'free-busy' else 'Talk'}"], listed(reader)


@each("edit", "edit-delete")
def imported(who):
    """writing: a series that {} imports in khal, and then changes, is with the owner instance by instance"""
    names = world.names_of(f"alice/series-{who}", lambda: world.calendar(f"series-{who}"))
    vdir, owner = Vdir(who, "series", names[who]), Vdir(OWNER, f"series-of-{who}", names[OWNER])
    vdir.sync()
    file = vdir.home / "series.ics"
    file.write_text(world.event("series@example.org", "Series", extra=["RRULE:FREQ=DAILY;COUNT=3"]))
    khal(vdir, "import", "--batch", "-a", "here", str(file))
    vdir.sync()
    owner.sync()
    assert listed(owner) == [f"2026-06-{day} 12:00 Series" for day in (17, 18, 19)], listed(owner)
    vdir.replace("SUMMARY:Series", "SUMMARY:Renamed")
    vdir.sync()
    owner.sync()
    assert listed(owner) == [f"2026-06-{day} 12:00 Renamed" for day in (17, 18, 19)], listed(owner)


@each("edit", "edit-delete")
def withheld(who):
    """writing: a private event that {} takes off the disk is refused, is read again by whoever synchronizes anew, and stays the owner's"""
    secret = world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])
    names = world.names_of(f"alice/secret-{who}", lambda: world.calendar(f"secret-{who}", texts=[secret, world.event("talk@example.org", "Talk", "20260618T120000Z", "20260618T130000Z")]))
    vdir = Vdir(who, "secret", names[who])
    vdir.sync()
    shown = ["2026-06-17 12:00 Private event", "2026-06-18 12:00 Talk"]
    assert listed(vdir) == shown and khal(vdir, "search", "Words").strip() == "", listed(vdir)
    vdir.file_of("Private event").unlink()
    assert "403" in vdir.fails()
    anew, owner = Vdir(who, "secret-anew", names[who]), Vdir(OWNER, f"secret-of-{who}", names[OWNER])
    anew.sync()
    owner.sync()
    assert listed(anew) == shown, listed(anew)
    assert listed(owner, "{title} {description}") == ["Secret Words", "Talk"], listed(owner, "{title} {description}")


@test
def conflict():
    """conflicts: an event changed on both sides is read as whoever is told to win has it"""
    names = world.names_of("alice/clash", lambda: world.calendar("clash", texts=[world.event("talk@example.org", "Talk")]))
    owner, vdir = Vdir(OWNER, "clash", names[OWNER]), Vdir("edit", "clash", names["edit"], pair='conflict_resolution = "b wins"')
    owner.sync()
    vdir.sync()
    owner.replace("SUMMARY:Talk", "SUMMARY:Mine")
    vdir.replace("SUMMARY:Talk", "SUMMARY:Theirs")
    owner.sync()
    vdir.sync()
    assert listed(vdir) == ["2026-06-17 12:00 Mine"], listed(vdir)


@test
def level_rises():
    """changes: as the level rises from free-busy, khal shows first the title, then the words, and then takes an event"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])]
    names = world.names_of("alice/rise", lambda: world.calendar("rise", ["free-busy"], texts))
    vdir, owner = Vdir("free-busy", "rise", names["free-busy"]), Vdir(OWNER, "rise", names[OWNER])
    for level, line in [("free-busy", "Busy"), ("titles", "Talk"), ("details", "Talk Words"), ("edit", "Talk Words")]:
        world.share("alice/rise", "free-busy", level)
        vdir.sync()
        assert listed(vdir, "{title} {description}") == [line], (level, listed(vdir, "{title} {description}"))
    khal(vdir, "new", "2026-06-18", "14:00", "15:00", "Entered by hand")
    vdir.sync()
    owner.sync()
    assert listed(owner) == ["2026-06-17 12:00 Talk", "2026-06-18 14:00 Entered by hand"], listed(owner)
    world.share("alice/rise", "free-busy", "edit-delete")
    vdir.file_of("Entered by hand").unlink()
    vdir.sync()
    owner.sync()
    assert listed(owner) == ["2026-06-17 12:00 Talk"], listed(owner)


world.run(f"khal {importlib.metadata.version('khal')}")
