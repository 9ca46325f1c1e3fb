"""evolution-data-server as an application meets it: accounts, and calendars opened in them. The services run in processes of
their own; the password is handed over when they ask for it."""

import threading
import time
from urllib.parse import urlsplit

import gi
import world

gi.require_version("EDataServer", "1.2")
gi.require_version("ECal", "2.0")
from gi.repository import ECal, EDataServer, GLib, ICalGLib  # noqa: E402

EVENTS, TASKS = ECal.ClientSourceType.EVENTS, ECal.ClientSourceType.TASKS
JUNE = (1780272000, 1782864000)
# How long the services may take to show what has changed on the server.
PATIENCE_SECONDS = 20

threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
REGISTRY = EDataServer.SourceRegistry.new_sync(None)
_NUMBER = iter(range(10_000))


def credentials(who):
    given = EDataServer.NamedParameters.new()
    given.set(EDataServer.SOURCE_CREDENTIAL_USERNAME, who)
    given.set(EDataServer.SOURCE_CREDENTIAL_PASSWORD, world.password(who))
    return given


def _asked(_registry, source, reason, *_more):
    """What the password dialog of an application does. A rejected password is not offered again."""
    if reason != EDataServer.SourceCredentialsReason.REJECTED:
        who = extension(source, EDataServer.SOURCE_EXTENSION_AUTHENTICATION).get_user()
        source.invoke_authenticate(credentials(who), None, lambda one, result: one.invoke_authenticate_finish(result))


REGISTRY.connect("credentials-required", _asked)

# Named, so that their types are known when a source is asked for its extension.
EXTENSIONS = [EDataServer.SourceAuthentication, EDataServer.SourceCalendar, EDataServer.SourceCollection, EDataServer.SourceRefresh,
              EDataServer.SourceSecurity, EDataServer.SourceTaskList, EDataServer.SourceWebdav]
for _extension in EXTENSIONS:
    assert _extension.__gtype__.is_a(EDataServer.SourceExtension.__gtype__)


def extension(source, name):
    return source.get_extension(name)


def eventually(look, wanted):
    """Looks until it sees what is wanted; fails with what it saw last."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (seen := look()) != wanted:
        assert time.monotonic() < until, f"saw {seen}, expected {wanted}"
        time.sleep(0.05)


def _source(who, name):
    address = urlsplit(world.URL)
    source = EDataServer.Source.new_with_uid(f"{who}-{name}-{next(_NUMBER)}", None)
    source.set_display_name(name)
    authentication = extension(source, EDataServer.SOURCE_EXTENSION_AUTHENTICATION)
    authentication.set_host(address.hostname)
    authentication.set_port(address.port)
    authentication.set_user(who)
    authentication.set_method("plain/password")
    authentication.set_remember_password(False)
    extension(source, EDataServer.SOURCE_EXTENSION_SECURITY).set_secure(False)
    # It is refreshed when the test says so.
    extension(source, EDataServer.SOURCE_EXTENSION_REFRESH).set_enabled(False)
    return source


def _committed(source):
    assert REGISTRY.commit_source_sync(source, None)
    return REGISTRY.ref_source(source.get_uid())


def discovered(who):
    """What the dialog `find calendars` lists for the bare address, and whose addresses it found."""
    supports = EDataServer.WebDAVDiscoverSupports.EVENTS | EDataServer.WebDAVDiscoverSupports.TASKS
    answer = EDataServer.webdav_discover_sources_sync(_source(who, "discover"), world.URL, supports, credentials(who), None)
    return {urlsplit(one.href).path: one for one in answer.out_discovered_sources}, answer.out_calendar_user_addresses


class Account:
    """A calendar account, which lists its calendars by itself."""

    def __init__(self, who):
        source = _source(who, "account")
        collection = extension(source, EDataServer.SOURCE_EXTENSION_COLLECTION)
        collection.set_backend_name("webdav")
        collection.set_identity(who)
        collection.set_calendar_url(world.URL)
        collection.set_contacts_enabled(False)
        collection.set_mail_enabled(False)
        self.source = _committed(source)

    def refresh(self):
        REGISTRY.refresh_backend_sync(self.source.get_uid(), None)

    def children(self):
        sources = REGISTRY.list_sources(EDataServer.SOURCE_EXTENSION_CALENDAR)
        return [source for source in sources if source.get_parent() == self.source.get_uid()]

    def names(self):
        """The names that the side bar shows."""
        return sorted(source.get_display_name() for source in self.children())

    def child(self, name):
        (source,) = [source for source in self.children() if source.get_display_name() == name]
        return source


def browser(who):
    """What stands behind Evolution's window that browses, makes, names and deletes calendars on a server."""
    session = EDataServer.WebDAVSession.new(_source(who, "browser"))
    session.set_credentials(credentials(who))
    return session


def connected(source, kind):
    """Opens a source; its service can hear of it later than we do, and then says that there is none such."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ECal.Client.connect_sync(source, kind, PATIENCE_SECONDS, None)
        except GLib.Error as error:
            if "No such source" not in error.message or time.monotonic() > until:
                raise
        time.sleep(0.05)


class Calendar:
    """A calendar, or the tasks of one, opened by its address."""

    def __init__(self, who, collection, home=None, kind=EVENTS):
        source = _source(who, collection)
        source.set_parent("caldav-stub")
        holds = EDataServer.SOURCE_EXTENSION_CALENDAR if kind == EVENTS else EDataServer.SOURCE_EXTENSION_TASK_LIST
        extension(source, holds).set_backend_name("caldav")
        webdav = extension(source, EDataServer.SOURCE_EXTENSION_WEBDAV_BACKEND)
        webdav.set_resource_path(f"/dav/calendars/{home or who}/{collection}/")
        self.client = connected(_committed(source), kind)

    def refresh(self):
        self.client.refresh_sync(None)

    def writable(self):
        return not self.client.is_readonly()

    def texts(self):
        """Every component, as the application gets it."""
        found, components = self.client.get_object_list_as_comps_sync("#t", None)
        assert found
        return [component.get_as_string().replace("\r\n ", "").replace("\n ", "") for component in components]

    def june(self):
        """START SUMMARY of each instance of June 2026, as seen.json has it."""
        lines = []

        def one(component, start, _end, *_more):
            when = start.as_ical_string()
            if not start.is_date() and not start.is_utc():
                utc = ICalGLib.Timezone.get_utc_timezone()
                when = start.convert_to_zone(utc).as_ical_string()
            lines.append(f"{when} {component.get_summary()}")
            return True

        self.client.generate_instances_sync(*JUNE, None, one)
        return sorted(lines)

    def summaries(self):
        return sorted(summary(text) for text in self.texts())

    def text_of(self, word):
        (text,) = [text for text in self.texts() if word in text]
        return text

    def create(self, text):
        return self.client.create_object_sync(component(text), ECal.OperationFlags(0), None)

    def change(self, old, new, extra="", flags=0):
        """Edits the one component that holds a word."""
        text = self.text_of(old).replace(old, new)
        return self.modify(text.replace("END:VEVENT", extra + "END:VEVENT"), flags=flags)

    def modify(self, text, mod=ECal.ObjModType.ALL, flags=0):
        return self.client.modify_object_sync(component(text), mod, ECal.OperationFlags(flags), None)

    def remove(self, word, rid=None, mod=ECal.ObjModType.ALL):
        """Deletes the component that holds a word, or one instance of it."""
        return self.client.remove_object_sync(uid(self.text_of(word)), rid, mod, ECal.OperationFlags(0), None)


def component(text):
    """The event or task of an iCalendar text, as applications hand it over: without its calendar."""
    begin = text.index("BEGIN:V", text.index("BEGIN:VCALENDAR") + 1) if "BEGIN:VCALENDAR" in text else 0
    return ICalGLib.Component.new_from_string(text[begin:].replace("END:VCALENDAR\r\n", ""))


def _value(name, text):
    return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(name))


def summary(text):
    return _value("SUMMARY", text)


def uid(text):
    return _value("UID", text)


def refused(action, code=EDataServer.ClientError.PERMISSION_DENIED):
    """Runs what the user must be told is not allowed."""
    try:
        action()
    except GLib.Error as error:
        assert error.matches(EDataServer.Client.error_quark(), code), f"{error.domain} {error.code} {error.message}"
        return
    raise AssertionError("was not refused")
