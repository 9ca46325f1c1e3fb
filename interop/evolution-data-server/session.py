"""evolution-data-server: the library under GNOME Calendar and Evolution, as the owner and as a grantee of every level."""

import world
from accounts import TASKS, Account, Calendar, ECal, EDataServer, GLib, browser, discovered, eventually, refused, summary
from world import EVERYONE, LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

WORK = {OWNER: "work"} | {who: name for who in LEVELS for name in world.mounts(who)}
# The name of the calendar in a list of calendars: the owner's own, or whose it is where the level does not go that far.
NAMES = {OWNER: "Work of Alice", "free-busy": "Alice Adams", "titles": "Alice Adams"}
WRITABLE = [OWNER, "edit", "edit-delete"]


def shared(name, texts, levels=LEVELS):
    """A calendar for one test: its name for each person."""
    return world.names_of(f"alice/{name}", lambda: world.calendar(name, levels, texts))


def opened(who, names, shown):
    """A calendar that shows these events."""
    calendar = Calendar(who, names[who])
    eventually(calendar.summaries, shown)
    return calendar


@each(*EVERYONE)
def discovery(who):
    """discovery: {} finds the own calendar and just what is shared, by name, and the own addresses"""
    found, addresses = discovered(who)
    shown = {"default"} | ({NAMES.get(who, "Work of Alice")} if who in WORK else set())
    assert {one.display_name for one in found.values()} == shown, found
    names = {path.rstrip("/").rsplit("/", 1)[1] for path in found}
    assert names == {"default"} | {name for person, name in WORK.items() if person == who}, found
    assert len(addresses) == (0 if who in ("edit-delete", *SEES_NOTHING) else 1), addresses


@each(OWNER, *LEVELS)
def view(who):
    """view: {} sees exactly what the level shows, each instance at its time, and no withheld word; at the owner's path too"""
    for calendar in [Calendar(who, WORK[who]), Calendar(who, "work", OWNER)]:
        eventually(calendar.june, world.SEEN[who])
        world.no_withheld_word(who, "".join(calendar.texts()))


@each(OWNER, *LEVELS)
def tasks(who):
    """view: {} sees the task with what the level shows of it; below titles there is none"""
    calendar = Calendar(who, WORK[who], kind=TASKS)
    if who == "free-busy":
        # An empty list says nothing until something else has come: the events, by the same session.
        eventually(Calendar(who, WORK[who]).june, world.SEEN[who])
    eventually(calendar.summaries, [] if who == "free-busy" else ["Write report"])
    world.no_withheld_word(who, "".join(calendar.texts()))


@each(OWNER, *LEVELS)
def writable(who):
    """view: the calendar opens for writing just to those who may write; {}"""
    calendar = Calendar(who, WORK[who])
    eventually(calendar.june, world.SEEN[who])
    eventually(calendar.writable, who in WRITABLE)


@each(*SEES_NOTHING)
def absent(who):
    """view: {} gets nothing at the owner's address"""
    calendar = Calendar(who, "work", OWNER)
    try:
        calendar.refresh()
    except GLib.Error:
        pass
    assert calendar.texts() == []


@each(*WRITABLE)
def both_directions(who):
    """writing: what {} adds and changes arrives, and what the owner adds, changes and deletes comes back"""
    names = shared(f"both-{who}", [world.event("first@example.org", "First"), world.event("goes@example.org", "Goes")])
    calendar, owner = opened(who, names, ["First", "Goes"]), opened(OWNER, names, ["First", "Goes"])
    calendar.create(world.event("second@example.org", "Second", extra=["LOCATION:Cellar"]))
    calendar.change("SUMMARY:First", "SUMMARY:Changed")
    owner.refresh()
    eventually(owner.summaries, ["Changed", "Goes", "Second"])
    assert "LOCATION:Cellar" in owner.text_of("Second")
    owner.create(world.event("fourth@example.org", "Fourth"))
    owner.change("SUMMARY:Second", "SUMMARY:Third")
    owner.remove("SUMMARY:Goes")
    calendar.refresh()
    eventually(calendar.summaries, ["Changed", "Fourth", "Third"])


@each(OWNER, "edit-delete")
def deletion(who):
    """writing: what {} deletes is deleted"""
    names = shared(f"delete-{who}", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    calendar, owner = opened(who, names, ["One", "Two"]), opened(OWNER, names, ["One", "Two"])
    calendar.remove("SUMMARY:One")
    assert calendar.summaries() == ["Two"]
    owner.refresh()
    eventually(owner.summaries, ["Two"])


@test
def refused_deletion():
    """writing: edit is told that deleting is not allowed, and still has the event, also after a refresh"""
    names = shared("keep", [world.event("one@example.org", "One"), world.event("two@example.org", "Two")])
    calendar = opened("edit", names, ["One", "Two"])
    refused(lambda: calendar.remove("SUMMARY:One"))
    assert calendar.summaries() == ["One", "Two"], calendar.summaries()
    calendar.create(world.event("three@example.org", "Three"))
    calendar.refresh()
    eventually(calendar.summaries, ["One", "Three", "Two"])
    opened(OWNER, names, ["One", "Three", "Two"])


@each(*READ_ONLY)
def read_only(who):
    """writing: {} is told that adding, changing and deleting are not allowed, and the owner's stays"""
    names = shared(f"read-{who}", [world.event("kept@example.org", "Kept")])
    shown = "Busy" if who == "free-busy" else "Kept"
    calendar = opened(who, names, [shown])
    refused(lambda: calendar.create(world.event("new@example.org", "New")))
    refused(lambda: calendar.change(f"SUMMARY:{shown}", "SUMMARY:Mine"))
    refused(lambda: calendar.remove(f"SUMMARY:{shown}"))
    assert calendar.summaries() == [shown]
    opened(OWNER, names, ["Kept"])


@each("edit", "edit-delete")
def withheld(who):
    """writing: {} is told that a private event can be neither changed nor deleted, and the owner's stays whole"""
    names = shared(f"withheld-{who}", [world.event("secret@example.org", "Secret", extra=["CLASS:PRIVATE", "DESCRIPTION:Words"])])
    calendar = opened(who, names, ["Private event"])
    refused(lambda: calendar.change("SUMMARY:Private event", "SUMMARY:Mine"))
    refused(lambda: calendar.remove("SUMMARY:Private event"))
    assert calendar.summaries() == ["Private event"], calendar.summaries()
    assert "DESCRIPTION:Words" in opened(OWNER, names, ["Secret"]).text_of("Secret")


@test
def one_instance():
    """writing: edit moves one instance of a series, and may not delete one; edit-delete may"""
    series = world.event("series@example.org", "Series", extra=["RRULE:FREQ=DAILY;COUNT=3"])
    names = shared("series", [series])
    calendar = opened("edit", names, ["Series"])
    assert calendar.june() == [f"202606{day}T120000Z Series" for day in (17, 18, 19)], calendar.june()
    text = calendar.text_of("Series").replace("RRULE:FREQ=DAILY;COUNT=3", "RECURRENCE-ID:20260618T120000Z")
    text = text.replace("DTSTART:20260617T12", "DTSTART:20260618T15").replace("DTEND:20260617T13", "DTEND:20260618T16")
    calendar.modify(text.replace("SUMMARY:Series", "SUMMARY:Moved"), ECal.ObjModType.THIS)
    refused(lambda: calendar.remove("RRULE", "20260619T120000Z", ECal.ObjModType.THIS))
    moved = ["20260617T120000Z Series", "20260618T150000Z Moved", "20260619T120000Z Series"]
    owner = Calendar(OWNER, names[OWNER])
    eventually(owner.june, moved)
    delegate = Calendar("edit-delete", names["edit-delete"])
    eventually(delegate.june, moved)
    delegate.remove("RRULE", "20260619T120000Z", ECal.ObjModType.THIS)
    for one in [owner, calendar]:
        one.refresh()
        eventually(one.june, moved[:2])


@test
def alarms():
    """writing: the alarm that edit sets is there for edit alone"""
    names = shared("alarm", [world.event("talk@example.org", "Talk")])
    calendar, owner = opened("edit", names, ["Talk"]), opened(OWNER, names, ["Talk"])
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Ring\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\n"
    calendar.change("SUMMARY:Talk", "SUMMARY:Talk at noon", extra=alarm)
    owner.refresh()
    eventually(owner.summaries, ["Talk at noon"])
    assert "VALARM" not in owner.text_of("Talk")
    again = opened("edit", names, ["Talk at noon"])
    assert "DESCRIPTION:Ring" in again.text_of("Talk")


@test
def conflict():
    """conflicts: who changes what another has changed meanwhile is told so if he asked to be, overwrites nothing, and gets the other's"""
    names = shared("clash", [world.event("talk@example.org", "Talk")])
    calendar, owner = opened("edit", names, ["Talk"]), opened(OWNER, names, ["Talk"])
    owner.change("SUMMARY:Talk", "SUMMARY:Mine")
    # Without this flag the client sends no condition: the later change holds.
    clash = ECal.OperationFlags.CONFLICT_FAIL
    refused(lambda: calendar.change("SUMMARY:Talk", "SUMMARY:Theirs", flags=clash), EDataServer.ClientError.OUT_OF_SYNC)
    calendar.refresh()
    eventually(calendar.summaries, ["Mine"])
    opened(OWNER, names, ["Mine"])


@test
def level_falls_and_rises():
    """changes: as the level of a share falls and rises, each refresh shows just what may be seen now"""
    texts = [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words", "LOCATION:Cellar"])]
    calendar = Calendar("details", shared("fall", texts, ["details"])["details"])
    def shown():
        return [(summary(text), "Words" in text, "Cellar" in text, "talk@example.org" in text) for text in calendar.texts()]
    eventually(shown, [("Talk", True, True, True)])
    for level, wanted in [("titles", ("Talk", False, False, False)), ("free-busy", ("Busy", False, False, False)),
                          ("titles", ("Talk", False, False, False)), ("details", ("Talk", True, True, True)),
                          ("free-busy", ("Busy", False, False, False)), ("edit", ("Talk", True, True, True))]:
        world.share("alice/fall", "details", level)
        calendar.refresh()
        eventually(shown, [wanted])


@test
def becomes_writable():
    """changes: a level that rises to edit lets the next session write; one that falls refuses the session that still runs"""
    names = shared("rise", [world.event("talk@example.org", "Talk")], ["details"])
    eventually(opened("details", names, ["Talk"]).writable, False)
    world.share("alice/rise", "details", "edit")
    calendar = opened("details", names, ["Talk"])
    eventually(calendar.writable, True)
    calendar.create(world.event("new@example.org", "New"))
    world.share("alice/rise", "details", "titles")
    refused(lambda: calendar.change("SUMMARY:Talk", "SUMMARY:Taken"))
    # What somebody has made stays his to change.
    calendar.change("SUMMARY:New", "SUMMARY:Newer")
    opened(OWNER, names, ["Newer", "Talk"])


@test
def account_follows_shares():
    """account: its list of calendars follows what is shared, paused and shared again, by the name each level gives"""
    account = Account("stranger")
    eventually(account.names, ["default"])
    world.calendar("news", [], [world.event("talk@example.org", "Talk")])
    for level, names in [("titles", ["Alice Adams", "default"]), ("edit", ["default", "news"]), ("none", ["default"]), ("details", ["default", "news"])]:
        world.share("alice/news", "stranger", level)
        account.refresh()
        eventually(account.names, names)


@test
def own_calendar():
    """account: a calendar is made with a name and a colour, listed so, renamed, and deleted again"""
    path = "/dav/calendars/alice/made/"
    at, session = world.URL.rstrip("/") + path, browser(OWNER)
    assert session.mkcalendar_sync(at, "Made here", "Words", "#112233", EDataServer.WebDAVDiscoverSupports.EVENTS, None)
    assert discovered(OWNER)[0][path].display_name == "Made here"
    assert discovered(OWNER)[0][path].color == "#112233"
    assert discovered(OWNER)[0][path].supports == EDataServer.WebDAVDiscoverSupports.EVENTS
    renamed = EDataServer.WebDAVPropertyChange.new_set("DAV:", "displayname", "Named anew")
    assert session.update_properties_sync(at, [renamed], None)
    def all_names():
        return sorted(one.display_name for one in discovered(OWNER)[0].values())
    account = Account(OWNER)
    eventually(account.names, all_names())
    assert "Named anew" in account.names()
    assert session.delete_sync(at, None, None, None)
    account.refresh()
    eventually(account.names, all_names())
    assert "Named anew" not in account.names()


@each(*LEVELS)
def renaming_and_leaving(who):
    """account: {} renames and colours the shared calendar for himself, then deletes it from his list: the owner keeps hers"""
    names = shared(f"leave-{who}", [world.event("talk@example.org", "Talk")])
    path, session = f"/dav/calendars/{who}/{names[who]}/", browser(who)
    at = world.URL.rstrip("/") + path
    changes = [EDataServer.WebDAVPropertyChange.new_set("DAV:", "displayname", "My name for it"),
               EDataServer.WebDAVPropertyChange.new_set("http://apple.com/ns/ical/", "calendar-color", "#445566")]
    assert session.update_properties_sync(at, changes, None)
    mine, hers = discovered(who)[0][path], discovered(OWNER)[0][f"/dav/calendars/alice/leave-{who}/"]
    assert (mine.display_name, mine.color) == ("My name for it", "#445566"), (mine.display_name, mine.color)
    assert (hers.display_name, hers.color) == (f"leave-{who}", None), (hers.display_name, hers.color)
    assert session.delete_sync(at, None, None, None)
    assert path not in discovered(who)[0]
    opened(OWNER, names, ["Talk"])


@test
def permissions():
    """account: in the dialog of permissions the owner reads who has which level, and raises one of them"""
    names, session = shared("permissions", [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"])]), browser(OWNER)
    at = f"{world.URL}dav/calendars/alice/permissions/"
    entries = [entry for entry in session.get_acl_sync(at, None).out_entries if not entry.flags & EDataServer.WebDAVACEFlag.PROTECTED]
    given = {entry.principal_href.rstrip("/").rsplit("/", 1)[1]: [one.name for one in entry.get_privileges()] for entry in entries}
    assert given == {"free-busy": ["read-free-busy"], "titles": ["read-titles"], "details": ["read"], "edit": ["read", "write-content", "bind"],
                     "edit-delete": ["read", "write"]}, given
    eventually(Calendar("titles", names["titles"]).summaries, ["Talk"])
    for entry in entries:
        if entry.principal_href.endswith("/titles/"):
            kind, hint = EDataServer.WebDAVPrivilegeKind.COMMON, EDataServer.WebDAVPrivilegeHint.READ
            entry.append_privilege(EDataServer.WebDAVPrivilege.new("DAV:", "read", "", kind, hint))
    assert session.set_acl_sync(at, entries, None)
    levels = {share["user"]: share["level"] for share in world.shoji("share", "list", "alice/permissions")}
    assert levels == {level: level for level in LEVELS} | {"titles": "details"}, levels
    assert "Words" in opened("titles", names, ["Talk"]).text_of("Talk")


world.run(world.debian("evolution-data-server"))
