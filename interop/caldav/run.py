"""The Python library caldav: what scripts and home automation use, as the owner and as a grantee of every level."""

import datetime
import importlib.metadata
import re

import caldav
import world
from caldav.lib import error
from world import EVERYONE, LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

UTC = datetime.timezone.utc
MONTH = {"start": datetime.datetime(2026, 6, 1, tzinfo=UTC), "end": datetime.datetime(2026, 7, 1, tzinfo=UTC)}


def client(who):
    return caldav.DAVClient(url=world.URL, username=who, password=world.password(who), enable_rfc6764=False, require_tls=False)


def calendars(who):
    return {calendar.url.path.rstrip("/").rsplit("/", 1)[1]: calendar for calendar in client(who).principal().get_calendars()}


WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}


def shared(name, texts, levels=LEVELS):
    """A calendar for one test: its name in each person's home."""
    return world.names_of(f"alice/{name}", lambda: world.calendar(name, levels, texts))


def of(who, names):
    return calendars(who)[names[who]]


def shown(objects):
    """START SUMMARY of each event, as seen.json has it."""
    lines = []
    for thing in objects:
        for event in thing.icalendar_instance.walk("VEVENT"):
            start = event["DTSTART"].dt
            when = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") if isinstance(start, datetime.datetime) else start.strftime("%Y%m%d")
            lines.append(f"{when} {event['SUMMARY']}")
    return sorted(lines)


def summaries(calendar):
    return sorted(str(event["SUMMARY"]) for thing in calendar.get_events() for event in thing.icalendar_instance.walk("VEVENT"))


def refused(action):
    try:
        action()
    except error.AuthorizationError:
        return
    except error.DAVError as raised:
        assert "403" in str(raised) or "Forbidden" in str(raised), f"{type(raised).__name__} {raised}"
        return
    raise AssertionError("was not refused")


@each(*EVERYONE)
def account(who):
    """discovery: {} finds principal, home and calendars from the bare address"""
    principal = client(who).principal()
    assert principal.url.path == f"/dav/principals/users/{who}/", principal.url
    assert principal.calendar_home_set.url.path == f"/dav/calendars/{who}/"
    assert set(calendars(who)) == {"default"} | {name for person, name in WORK.items() if person == who}, set(calendars(who))


@each(OWNER, *LEVELS)
def names(who):
    """discovery: {} reads the name of the calendar as far as the level goes"""
    name = of(who, WORK).get_display_name()
    expected = {OWNER: "Work of Alice", "free-busy": "Alice Adams", "titles": "Alice Adams"}.get(who, "Work of Alice")
    assert name == expected, name


@test
def support():
    """discovery: the server says that it does CalDAV, and does not say that it does scheduling"""
    session = client(OWNER)
    assert session.check_cdav_support() and not session.check_scheduling_support()


@each(OWNER, *LEVELS)
def june(who):
    """view: {} finds exactly what the level shows, expanded by the server and by the library"""
    calendar = of(who, WORK)
    by_server = shown(calendar.search(event=True, expand=True, server_expand=True, **MONTH))
    assert by_server == world.SEEN[who], by_server
    by_library = shown(calendar.search(event=True, expand=True, **MONTH))
    assert by_library == world.SEEN[who], by_library


@each(OWNER, *LEVELS)
def everything(who):
    """view: no withheld word is in anything that {} can load"""
    calendar = of(who, WORK)
    objects = [*calendar.get_events(), *calendar.get_todos(include_completed=True), *calendar.search()]
    assert len(objects) > 8
    for thing in objects:
        thing.load()
        world.no_withheld_word(who, thing.data)
    todos = [str(todo.icalendar_component["SUMMARY"]) for todo in calendar.get_todos()]
    assert todos == ([] if who == "free-busy" else ["Write report"]), todos


@each(*LEVELS)
def search(who):
    """view: {} cannot find by a search what is not shown"""
    calendar = of(who, WORK)
    for word in ["Therapy", "Budget", "Design", "Marzipan"]:
        found = [thing for prop in ["summary", "description"] for thing in calendar.search(event=True, post_filter=False, **{prop: word})]
        visible = word == "Design" and who != "free-busy" or word == "Marzipan" and who not in ("free-busy", "titles")
        assert bool(found) == visible, (word, found)


@each(*LEVELS)
def free_busy(who):
    """view: {} gets the owner's busy times from a free-busy report"""
    def periods(person):
        answer = of(person, WORK).freebusy_request(MONTH["start"], MONTH["end"])
        return sorted(re.findall(r"^FREEBUSY.*$", answer.data.replace("\r\n", "\n").replace("\n ", ""), re.M))
    assert periods(who) == periods(OWNER) and periods(who), periods(who)


@each(OWNER, *LEVELS)
def saving(who):
    """writing: {} adds and changes events as far as the level goes"""
    where = shared(f"save-{who}", [world.event("first@example.org", "First")])
    calendar, owner = of(who, where), of(OWNER, where)
    new = world.event("second@example.org", "Second", extra=["DESCRIPTION:Words"])
    (first,) = calendar.get_events()

    def change():
        with first.edit_icalendar_instance() as instance:
            instance.walk("VEVENT")[0]["SUMMARY"] = "Changed"
        first.save()

    if who in READ_ONLY:
        refused(lambda: calendar.add_event(new))
        refused(change)
        assert summaries(owner) == ["First"], summaries(owner)
    else:
        calendar.add_event(new)
        change()
        assert summaries(owner) == ["Changed", "Second"], summaries(owner)
        stored = owner.get_event_by_uid("second@example.org")
        # The library writes properties in an order of its own.
        assert sorted(stored.data.split()) == sorted(new.split()), stored.data


@each(OWNER, *LEVELS)
def deleting(who):
    """writing: {} deletes events as far as the level goes"""
    where = shared(f"delete-{who}", [world.event("one@example.org", "One")])
    (one,) = of(who, where).get_events()
    if who in (OWNER, "edit-delete"):
        one.delete()
        assert summaries(of(OWNER, where)) == []
    else:
        refused(one.delete)
        assert summaries(of(OWNER, where)) == ["One"]


@each("edit", "edit-delete")
def withheld(who):
    """writing: {} can neither change nor delete a private event"""
    secret = world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])
    where = shared(f"withheld-{who}", [secret])
    (shut,) = of(who, where).get_events()
    assert str(shut.icalendar_component["SUMMARY"]) == "Private event"
    refused(shut.delete)
    with shut.edit_icalendar_instance() as instance:
        instance.walk("VEVENT")[0]["SUMMARY"] = "Mine"
    refused(shut.save)
    (kept,) = of(OWNER, where).get_events()
    kept.load()
    assert kept.data.replace("\r\n", "\n").strip() == secret.replace("\r\n", "\n").strip()


@each(OWNER, *LEVELS)
def synchronizing(who):
    """sync: by its token {} learns of what was added, changed and removed"""
    where = shared(f"sync-{who}", [world.event(f"{word}@example.org", word) for word in ["Stays", "Changes", "Goes"]])
    calendar, owner = of(who, where), of(OWNER, where)
    local = calendar.get_objects_by_sync_token(load_objects=True, disable_fallback=True)
    assert len(list(local)) == 3 and not str(local.sync_token).startswith("fake-")
    quiet = calendar.get_objects_by_sync_token(local.sync_token, disable_fallback=True)
    assert list(quiet) == [] and quiet.sync_token == local.sync_token
    goes = owner.get_event_by_uid("Goes@example.org")
    changes = owner.get_event_by_uid("Changes@example.org")
    with changes.edit_icalendar_instance() as instance:
        instance.walk("VEVENT")[0]["SUMMARY"] = "Changed"
        instance.walk("VEVENT")[0]["DTEND"].dt = datetime.datetime(2026, 6, 17, 14, tzinfo=UTC)
    changes.save()
    goes.delete()
    owner.add_event(world.event("New@example.org", "New"))
    updated, deleted = local.sync()
    assert not str(local.sync_token).startswith("fake-"), "the library fell back to fetching everything"
    assert (len(updated), len(deleted)) == (2, 1), (updated, deleted)
    texts = "".join(thing.data for thing in local)
    expected = ["Busy"] * 3 if who == "free-busy" else ["Changed", "New", "Stays"]
    assert sorted(re.findall(r"SUMMARY:(\w+)", texts)) == expected, texts


@each("free-busy", "titles", "none")
def falling(level):
    """sync: after the level falls from details to {} nothing of before is kept"""
    where = shared(f"fall-{level}", [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])], ["details"])
    calendar = of("details", where)
    local = calendar.get_objects_by_sync_token(load_objects=True, disable_fallback=True)
    assert "Words" in "".join(thing.data for thing in local)
    world.share(f"alice/fall-{level}", "details", level)
    if level == "none":
        assert where["details"] not in calendars("details")
        try:
            calendar.get_objects_by_sync_token(local.sync_token, disable_fallback=True)
        except error.NotFoundError:
            return
        raise AssertionError("a paused calendar still answers")
    local.sync()
    text = "".join(thing.data for thing in local)
    assert len(list(local)) == 1 and "Words" not in text and ("Talk" in text) == (level == "titles"), text


@test
def own_calendar():
    """owner: makes a calendar, a to-do and a journal in it, completes the to-do, deletes the calendar"""
    principal = client(OWNER).principal()
    calendar = principal.make_calendar(name="Chores", cal_id="chores-by-library")
    assert calendar.get_display_name() == "Chores"
    todo = calendar.add_todo(summary="Sweep", due=datetime.datetime(2026, 6, 20, 12, tzinfo=UTC))
    calendar.add_journal(summary="Noted", dtstart=datetime.date(2026, 6, 20))
    assert [str(thing.icalendar_component["SUMMARY"]) for thing in calendar.get_journals()] == ["Noted"]
    todo.complete()
    assert calendar.get_todos() == [] and len(calendar.get_todos(include_completed=True)) == 1
    calendar.delete()
    assert "chores-by-library" not in calendars(OWNER)


@each(*SEES_NOTHING)
def absent(who):
    """view: {} gets nothing at the owner's address"""
    calendar = client(who).calendar(url=f"{world.URL}dav/calendars/alice/work/")
    for action in [calendar.get_events, calendar.get_display_name, lambda: calendar.add_event(world.event("new@example.org", "New"))]:
        try:
            action()
        except (error.NotFoundError, error.DAVError) as raised:
            assert isinstance(raised, error.NotFoundError) or "404" in str(raised), f"{type(raised).__name__} {raised}"
        else:
            raise AssertionError("something was there")


def renamed(event, summary):
    with event.edit_icalendar_instance() as instance:
        instance.walk("VEVENT")[0]["SUMMARY"] = summary
    return event


@each("edit", "edit-delete")
def stale(who):
    """conflicts: what {} saves over the owner's later change is refused, and read again it holds the owner's"""
    where = shared(f"stale-{who}", [world.event("talk@example.org", "Talk")])
    calendar, owner = of(who, where), of(OWNER, where)
    (theirs,), (mine,) = calendar.get_events(), owner.get_events()
    theirs.load()
    renamed(mine, "Mine").save()
    renamed(theirs, "Theirs")
    try:
        theirs.save()
    except error.DAVError as raised:
        assert isinstance(raised, error.ScheduleTagMismatchError) or "412" in str(raised) or "Precondition" in str(raised), f"{type(raised).__name__} {raised}"
    else:
        raise AssertionError("was not told")
    theirs.load()
    assert str(theirs.icalendar_component["SUMMARY"]) == "Mine" and summaries(owner) == ["Mine"]


@each(*READ_ONLY, "edit")
def comes_back(who):
    """sync: an event that {} was refused to delete is among the changes of the next synchronization"""
    where = shared(f"back-{who}", [world.event("one@example.org", "One")])
    calendar = of(who, where)
    local = calendar.get_objects_by_sync_token(load_objects=True, disable_fallback=True)
    (one,) = list(local)
    refused(one.delete)
    updated, deleted = local.sync()
    assert ([thing.url for thing in updated], list(deleted)) == ([one.url], []), (updated, deleted)


@test
def rising():
    """sync: as a level rises, each synchronization brings what may be seen; what may be written is taken then and not before"""
    where = shared("rise", [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])], ["free-busy"])
    calendar = of("free-busy", where)
    local = calendar.get_objects_by_sync_token(load_objects=True, disable_fallback=True)
    shown = [("free-busy", "Busy", False), ("titles", "Talk", False), ("details", "Talk", True), ("edit", "Talk", True), ("edit-delete", "Talk", True)]
    for level, summary, words in shown:
        world.share("alice/rise", "free-busy", level)
        local.sync()
        (thing,) = list(local)
        assert f"SUMMARY:{summary}" in thing.data and ("Words" in thing.data) == words, (level, thing.data)
        new = world.event(f"by-{level}@example.org", f"By {level}")
        if level.startswith("edit"):
            calendar.add_event(new)
            made = calendar.get_event_by_uid(f"by-{level}@example.org")
            made.delete() if level == "edit-delete" else refused(made.delete)
            of(OWNER, where).get_event_by_uid("by-edit@example.org").delete() if level == "edit" else None
        else:
            refused(lambda: calendar.add_event(new))
    assert summaries(of(OWNER, where)) == ["Talk"]


@each(*LEVELS)
def leaving(who):
    """sharing: {} names the calendar for himself and leaves it; the owner keeps name, calendar and events"""
    where = shared(f"leave-{who}", [world.event("talk@example.org", "Talk")])
    calendar = of(who, where)
    calendar.set_properties([caldav.elements.dav.DisplayName("My name for it")])
    assert of(who, where).get_display_name() == "My name for it"
    assert of(OWNER, where).get_display_name() == f"leave-{who}"
    calendar.delete()
    assert where[who] not in calendars(who)
    assert summaries(of(OWNER, where)) == ["Talk"]


world.run(f"caldav {importlib.metadata.version('caldav')}")
