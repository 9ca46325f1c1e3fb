"""vdirsyncer: a calendar on disk and its server, in both directions, as the owner and as a grantee of every level."""

import importlib.metadata
import re

import world
from vdir import Vdir
from world import LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

# SUMMARY of each component as it is stored: the series is one file with its exceptions.
SUMMARIES = {
    OWNER: ["Budget cuts", "Design review", "Hold for a visit", "Lunch run", "Offsite", "Stand-up", "Stand-up about salaries",
            "Stand-up with demo", "Therapy", "Vendor pitch", "Write report"],
    "free-busy": ["Busy"] * 8,
    "titles": ["Design review", "Hold for a visit", "Lunch run", "Offsite", "Private event", "Private event", "Private event", "Stand-up",
               "Stand-up with demo", "Write report"],
    "details": ["Design review", "Hold for a visit", "Lunch run", "Offsite", "Private event", "Private event", "Private event", "Stand-up",
                "Stand-up with demo", "Vendor pitch", "Write report"],
}
SUMMARIES |= {"edit": SUMMARIES["details"], "edit-delete": SUMMARIES["details"]}
WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}


def shared(name, texts, levels=LEVELS):
    """A calendar for one test: its name for each person."""
    return world.names_of(f"alice/{name}", lambda: world.calendar(name, levels, texts))


@each(OWNER, *LEVELS, *SEES_NOTHING)
def discovery(who):
    """discovery: {} finds the own calendar and just what is shared"""
    found = set(Vdir(who, "discover").discovered())
    assert found == {"default"} | {name for person, name in WORK.items() if person == who}, found


@each(OWNER, *LEVELS)
def download(who):
    """view: {} has on disk exactly what the level shows, and no withheld word; a second sync finds nothing to do"""
    vdir = Vdir(who, "work", WORK[who])
    vdir.sync()
    assert vdir.summaries() == SUMMARIES[who], vdir.summaries()
    world.no_withheld_word(who, "".join(vdir.texts().values()))
    again = vdir.sync()
    assert "Copying" not in again and "Deleting" not in again, again


@each(OWNER, "edit", "edit-delete")
def both_directions(who):
    """writing: what {} adds or changes on disk arrives, and what the owner changes comes back"""
    names = shared(f"both-{who}", [world.event("first@example.org", "First")])
    vdir, other = Vdir(who, "both", names[who]), Vdir(OWNER, f"both-of-{who}", names[OWNER])
    vdir.sync()
    vdir.put("second.ics", world.event("second@example.org", "Second", extra=["DESCRIPTION:Words"]))
    vdir.replace("SUMMARY:First", "SUMMARY:Changed")
    vdir.sync()
    other.sync()
    assert other.summaries() == ["Changed", "Second"], other.summaries()
    assert other.texts()[other.file_of("Second").name] == world.event("second@example.org", "Second", extra=["DESCRIPTION:Words"]).replace("\r\n", "\n")
    other.replace("SUMMARY:Second", "SUMMARY:Third")
    other.put("fourth.ics", world.event("fourth@example.org", "Fourth"))
    other.file_of("Changed").unlink()
    other.sync()
    vdir.sync()
    assert vdir.summaries() == ["Fourth", "Third"], vdir.summaries()


@each(OWNER, "edit-delete")
def deletion(who):
    """writing: what {} deletes on disk is deleted"""
    names = shared(f"delete-{who}", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    vdir = Vdir(who, "delete", names[who])
    vdir.sync()
    vdir.file_of("One").unlink()
    vdir.sync()
    other = Vdir(OWNER, f"delete-of-{who}", names[OWNER])
    other.sync()
    assert other.summaries() == ["Two"], other.summaries()


@test
def refused_deletion():
    """writing: what edit deletes on disk is refused each time, and is there for whoever synchronizes anew"""
    names = shared("keep", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    vdir = Vdir("edit", "keep", names["edit"])
    vdir.sync()
    vdir.file_of("One").unlink()
    # vdirsyncer goes by the hash of what it reads, not by the ETag alone, and so tries again.
    assert "403" in vdir.fails() and "403" in vdir.fails()
    anew = Vdir("edit", "keep-anew", names["edit"])
    anew.sync()
    assert anew.summaries() == ["One", "Two"], anew.summaries()


@each(*READ_ONLY)
def read_only(who):
    """writing: what {} adds and changes on disk is refused; with a read-only storage it is undone"""
    names = shared(f"read-{who}", [world.event("kept@example.org", "Kept"), world.event("other@example.org", "Other")])
    shown = ["Busy", "Busy"] if who == "free-busy" else ["Kept", "Other"]
    writer = Vdir(who, "write", names[who])
    writer.sync()
    assert writer.summaries() == shown
    writer.put("new.ics", world.event("new@example.org", "New"))
    assert "403" in writer.fails()
    reader = Vdir(who, "read", names[who], "read_only = true", 'partial_sync = "revert"')
    reader.sync()
    reader.put("new.ics", world.event("new@example.org", "New"))
    reader.replace(f"SUMMARY:{shown[0]}", "SUMMARY:Mine") if who != "free-busy" else next(reader.items.glob("*.ics")).unlink()
    reader.sync()
    reader.sync()
    assert reader.summaries() == shown, reader.summaries()
    owner = Vdir(OWNER, f"read-of-{who}", names[OWNER])
    owner.sync()
    assert owner.summaries() == ["Kept", "Other"], owner.summaries()


@test
def conflict():
    """conflicts: two people change one event; vdirsyncer says so, loses nothing, and settles it as told"""
    names = shared("clash", [world.event("talk@example.org", "Talk")])
    mine, theirs = Vdir(OWNER, "clash", names[OWNER]), Vdir("edit", "clash", names["edit"])
    mine.sync()
    theirs.sync()
    mine.replace("SUMMARY:Talk", "SUMMARY:Mine")
    theirs.replace("SUMMARY:Talk", "SUMMARY:Theirs")
    mine.sync()
    assert "conflict" in theirs.fails().lower()
    assert theirs.summaries() == ["Theirs"]
    settled = Vdir("edit", "clash", names["edit"], pair='conflict_resolution = "b wins"')
    settled.sync()
    assert settled.summaries() == ["Mine"]


@each("edit", "edit-delete")
def withheld(who):
    """conflicts: a private event that {} changes on disk is refused, and the owner's stays whole"""
    secret = world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])
    names = shared(f"withheld-{who}", [secret])
    vdir = Vdir(who, "withheld", names[who])
    vdir.sync()
    assert vdir.summaries() == ["Private event"], vdir.summaries()
    vdir.replace("Private event", "Mine")
    assert "403" in vdir.fails()
    owner = Vdir(OWNER, f"withheld-of-{who}", names[OWNER])
    owner.sync()
    assert list(owner.texts().values()) == [secret.replace("\r\n", "\n")]


@test
def level_changes():
    """changes: when the level of a share falls step by step, each sync takes from the disk what may no longer be seen"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words", "LOCATION:Cellar"])]
    name = shared("fall", texts, ["details"])["details"]
    vdir = Vdir("details", "fall", name)
    vdir.sync()
    assert "DESCRIPTION:Words" in "".join(vdir.texts().values())
    for level, summary, kept in [("titles", "Talk", []), ("free-busy", "Busy", []), ("details", "Talk", ["Words", "Cellar"])]:
        world.share("alice/fall", "details", level)
        vdir.sync()
        text = "".join(vdir.texts().values())
        assert vdir.summaries() == [summary], (level, vdir.summaries())
        assert [word for word in ["Words", "Cellar"] if word in text] == kept, (level, text)
        assert bool(re.search("talk@example.org", text)) == (level == "details"), level
    world.share("alice/fall", "details", "none")
    vdir.fails()


@each(*READ_ONLY)
def refused_each_way(who):
    """writing: what {} changes or deletes on disk is refused, each time, and whoever synchronizes anew has it as it was"""
    texts = [world.event("one@example.org", "One"), world.event("two@example.org", "Two", "20260618T120000Z", "20260618T130000Z")]
    names = shared(f"each-{who}", texts)
    vdir = Vdir(who, "each", names[who])
    vdir.sync()
    before = vdir.texts()
    first, second = sorted(vdir.items.glob("*.ics"))
    first.unlink()
    second.write_bytes(second.read_bytes().replace(b"SUMMARY:", b"SUMMARY:My "))
    for said in [vdir.fails(), vdir.fails()]:
        # Both, the change and the deletion.
        assert said.count("403") >= 2, said
    anew = Vdir(who, "each-anew", names[who])
    anew.sync()
    assert sorted(anew.texts().values()) == sorted(before.values()), anew.texts()
    owner = Vdir(OWNER, f"each-of-{who}", names[OWNER])
    owner.sync()
    assert owner.summaries() == ["One", "Two"], owner.summaries()


@each("edit", "edit-delete")
def conflict_won(who):
    """conflicts: told that the disk wins, {} overwrites what the owner changed meanwhile, and the owner gets it"""
    names = shared(f"won-{who}", [world.event("talk@example.org", "Talk")])
    mine, theirs = Vdir(OWNER, f"won-of-{who}", names[OWNER]), Vdir(who, "won", names[who], pair='conflict_resolution = "a wins"')
    mine.sync()
    theirs.sync()
    mine.replace("SUMMARY:Talk", "SUMMARY:Mine")
    theirs.replace("SUMMARY:Talk", "SUMMARY:Theirs")
    mine.sync()
    theirs.sync()
    mine.sync()
    assert mine.summaries() == theirs.summaries() == ["Theirs"], mine.summaries()


@each(OWNER, "edit-delete")
def deleted_meanwhile(who):
    """conflicts: what {} deletes on disk while another changes it is not lost: the change comes back"""
    other = "edit" if who == OWNER else OWNER
    names = shared(f"meanwhile-{who}", [world.event("talk@example.org", "Talk"), world.event("stays@example.org", "Stays")])
    deleting, changing = Vdir(who, "meanwhile", names[who]), Vdir(other, f"meanwhile-of-{who}", names[other])
    deleting.sync()
    changing.sync()
    deleting.file_of("Talk").unlink()
    changing.replace("SUMMARY:Talk", "SUMMARY:Changed")
    changing.sync()
    deleting.sync()
    changing.sync()
    assert deleting.summaries() == changing.summaries() == ["Changed", "Stays"], deleting.summaries()


@test
def level_rises():
    """changes: as the level of a share rises step by step, each sync brings what may be seen, then writes, then deletes"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])]
    names = shared("rise", texts, ["free-busy"])
    vdir, owner = Vdir("free-busy", "rise", names["free-busy"]), Vdir(OWNER, "rise", names[OWNER])
    for level, summary, words in [("free-busy", "Busy", False), ("titles", "Talk", False), ("details", "Talk", True)]:
        world.share("alice/rise", "free-busy", level)
        vdir.sync()
        assert vdir.summaries() == [summary] and ("Words" in "".join(vdir.texts().values())) == words, (level, vdir.texts())
    vdir.replace("SUMMARY:Talk", "SUMMARY:Changed")
    assert "403" in vdir.fails()
    world.share("alice/rise", "free-busy", "edit")
    # The change that was refused before goes through now.
    vdir.put("new.ics", world.event("new@example.org", "New"))
    vdir.sync()
    owner.sync()
    assert owner.summaries() == ["Changed", "New"], owner.summaries()
    vdir.file_of("SUMMARY:New").unlink()
    assert "403" in vdir.fails()
    world.share("alice/rise", "free-busy", "edit-delete")
    vdir.sync()
    owner.sync()
    assert owner.summaries() == ["Changed"], owner.summaries()


@test
def level_sinks():
    """changes: when the level of a share sinks below writing, what was not yet synchronized is refused, and the owner's stays"""
    names = shared("sink", [world.event("talk@example.org", "Talk"), world.event("other@example.org", "Other")], ["edit-delete"])
    vdir = Vdir("edit-delete", "sink", names["edit-delete"])
    vdir.sync()
    vdir.file_of("Other").unlink()
    world.share("alice/sink", "edit-delete", "edit")
    assert "403" in vdir.fails()
    vdir.replace("SUMMARY:Talk", "SUMMARY:Mine")
    world.share("alice/sink", "edit-delete", "details")
    assert "403" in vdir.fails()
    owner = Vdir(OWNER, "sink", names[OWNER])
    owner.sync()
    assert owner.summaries() == ["Other", "Talk"], owner.summaries()


@each(OWNER, *LEVELS)
def own_name_and_colour(who):
    """metadata: {} gives the calendar a name and a colour from disk, which are nobody else's, but for the owner's from details up"""
    names = shared(f"meta-{who}", [])
    mine = Vdir(who, "meta", names[who], pair='metadata = ["displayname", "color"]\nconflict_resolution = "a wins"')
    (mine.items / "displayname").write_text("My name for it")
    (mine.items / "color").write_text("#112233")
    mine.done("metasync")
    for other in [OWNER, *LEVELS]:
        theirs = Vdir(other, f"meta-of-{who}", names[other], pair='metadata = ["displayname", "color"]')
        theirs.done("metasync")
        # No colour is no file.
        found = {path.name: path.read_text() for path in theirs.items.iterdir()}
        if other == who or who == OWNER and other not in ("free-busy", "titles"):
            assert found == {"displayname": "My name for it", "color": "#112233"}, (other, found)
        else:
            assert found["displayname"] in ("Alice Adams", f"meta-{who}") or found["displayname"].startswith("Alice Adams "), (other, found)
            assert "#112233" not in found.values(), (other, found)


@test
def among_grantees():
    """sharing: what edit writes each other grantee has at his own level"""
    names = shared("among", [])
    writer = Vdir("edit", "among", names["edit"])
    writer.sync()
    writer.put("plan.ics", world.event("plan@example.org", "Plan", extra=["DESCRIPTION:Words"]))
    writer.sync()
    for who, summary, words in [("free-busy", "Busy", False), ("titles", "Plan", False), ("details", "Plan", True), ("edit-delete", "Plan", True)]:
        reader = Vdir(who, "among", names[who])
        reader.sync()
        assert reader.summaries() == [summary] and ("Words" in "".join(reader.texts().values())) == words, (who, reader.texts())


@test
def own_calendar():
    """owner: a calendar that is there on disk alone is made on the server, with its events"""
    vdir = Vdir(OWNER, "made", server="")
    config = vdir.home / "config"
    config.write_text(config.read_text().replace('["from b"]', '["made-by-vdirsyncer"]'))
    (vdir.home / "items" / "made-by-vdirsyncer").mkdir()
    (vdir.home / "items" / "made-by-vdirsyncer" / "one.ics").write_bytes(world.event("one@example.org", "One").encode())
    vdir.done("discover", "--no-list")
    vdir.sync()
    again = Vdir(OWNER, "made-again", "made-by-vdirsyncer")
    again.sync()
    assert again.summaries() == ["One"]


world.run(f"vdirsyncer {importlib.metadata.version('vdirsyncer')}")
