"""curl: discovery, conditions, reports and refusals, byte by byte, as the owner and as a grantee of every level."""

import re
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from urllib.parse import unquote

import world
from world import EVERYONE, LEVELS, OWNER, READ_ONLY, SEES_NOTHING, each, test

D, C, CS = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}", "{http://calendarserver.org/ns/}"
NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
MONTH = 'start="20260601T000000Z" end="20260701T000000Z"'
WORK = "/dav/calendars/alice/work/"


class Answer:
    def __init__(self, status, version, head, body):
        self.status, self.version, self.body = status, version, body
        self.headers = {}
        for line in head.splitlines()[1:]:
            if ":" in line:
                key, value = line.split(":", 1)
                self.headers[key.strip().lower()] = value.strip()

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:600]}"

    def xml(self):
        return ET.fromstring(self.body)

    def responses(self):
        """href -> (status of the response or None, {tag: element} of what was found)."""
        assert self.status == 207, self
        rows = {}
        for response in self.xml().findall(D + "response"):
            found = {}
            for propstat in response.findall(D + "propstat"):
                if " 200 " in propstat.findtext(D + "status"):
                    found |= {element.tag: element for element in propstat.find(D + "prop")}
            href = response.findtext(D + "href")
            assert href not in rows, f"{href} stands twice"
            rows[href] = (response.findtext(D + "status"), found)
        return rows


def curl(who, method, path, body=None, headers=(), options=(), secret=None):
    with tempfile.NamedTemporaryFile() as head, tempfile.NamedTemporaryFile() as out:
        command = ["curl", "-s", "-S", "--max-time", "30", "-X", method, "-D", head.name, "-o", out.name, "-w", "%{http_code} %{http_version}"]
        if method == "HEAD":
            command.append("--head")
        if who:
            command += ["-u", f"{who}:{secret or world.password(who)}"]
        if method == "PUT" and not any(header.startswith("Content-Type") for header in headers):
            headers = [*headers, "Content-Type: text/calendar; charset=utf-8"]
        for header in headers:
            command += ["-H", header]
        if body is not None:
            command += ["--data-binary", "@-"]
        command += [*options, world.URL.rstrip("/") + path]
        done = subprocess.run(command, input=(body or "").encode(), capture_output=True, timeout=60)
        assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr.decode()}"
        status, version = done.stdout.decode().split()
        heads = head.read().decode().replace("\r\n", "\n").strip().split("\n\n")
        # Asked for heads alone, curl writes them where the body would be.
        return Answer(int(status), version, heads[-1], "" if method == "HEAD" else out.read().decode())


def propfind(who, path, props, depth="0"):
    body = f'<D:propfind {NAMESPACES}><D:prop>{props}</D:prop></D:propfind>'
    return curl(who, "PROPFIND", path, body, [f"Depth: {depth}", "Content-Type: application/xml"])


def report(who, path, body, depth="1"):
    return curl(who, "REPORT", path, body, [f"Depth: {depth}", "Content-Type: application/xml"])


def query(who, path, inner='<C:comp-filter name="VEVENT"/>', data="<C:calendar-data/>"):
    body = (f'<C:calendar-query {NAMESPACES}><D:prop><D:getetag/>{data}</D:prop><C:filter><C:comp-filter name="VCALENDAR">{inner}'
            "</C:comp-filter></C:filter></C:calendar-query>")
    return report(who, path, body)


def texts(answer):
    return {href: found[C + "calendar-data"].text for href, (_, found) in answer.responses().items()}


def instances(text):
    """START SUMMARY of each event of expanded data."""
    found = []
    for part in text.replace("\r\n", "\n").replace("\n ", "").split("BEGIN:VEVENT")[1:]:
        start = re.search(r"^DTSTART[^:\n]*:(.*)$", part, re.M).group(1)
        found.append(f"{start} {re.search(r'^SUMMARY[^:]*:(.*)$', part, re.M).group(1)}")
    return found


def seen(who, path=WORK):
    expand = f'<C:calendar-data><C:expand {MONTH}/></C:calendar-data>'
    span = f'<C:comp-filter name="VEVENT"><C:time-range {MONTH}/></C:comp-filter>'
    return sorted(line for text in texts(query(who, path, span, expand)).values() for line in instances(text))


def sync(who, path, token=""):
    """(status by href, new token), or None if the token is refused."""
    body = (f'<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>'
            "<D:prop><D:getetag/></D:prop></D:sync-collection>")
    answer = report(who, path, body, "0")
    if answer.status in (403, 409):
        assert answer.xml().find(D + "valid-sync-token") is not None, answer
        return None
    rows = {href: found[D + "getetag"].text if D + "getetag" in found else status for href, (status, found) in answer.responses().items()}
    return rows, answer.xml().findtext(D + "sync-token")


def privileges(who, path):
    (_, found), = propfind(who, path, "<D:current-user-privilege-set/>").responses().values()
    return {element.tag for privilege in found[D + "current-user-privilege-set"] for element in privilege}


def mount(who):
    """The calendar of alice's that stands in this person's home."""
    rows = propfind(who, f"/dav/calendars/{who}/", "<D:resourcetype/>", "1").responses()
    names = [href for href, (_, found) in rows.items() if found[D + "resourcetype"].find(C + "calendar") is not None]
    return [href for href in names if re.fullmatch(rf"/dav/calendars/{who}/[a-z2-7]{{26}}/", href)]


# Where alice's calendar `work` stands in each grantee's home: told by discovery, before other calendars are shared.
WORK_MOUNTS = {}


def refused_for(answer, privilege):
    assert answer.status == 403, answer
    needed = answer.xml().find(D + "need-privileges")
    assert answer.xml().tag == D + "error" and needed is not None, answer
    named = {element.tag for resource in needed for holder in resource.findall(D + "privilege") for element in holder}
    assert D + privilege in named, f"names {named} instead of {privilege}"


@each("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "POST", "DELETE", "MKCOL")
def well_known(method):
    """discovery: {} on the well-known address is redirected before sign-in"""
    for path in ["/.well-known/caldav", "/.well-known/caldav/"]:
        answer = curl(None, method, path)
        assert answer.status == 301 and answer.headers["location"].endswith("/dav/"), answer


@test
def challenge():
    """discovery: without credentials every address asks for them, with a constant realm in UTF-8"""
    challenges = set()
    for path in ["/", "/principals/", "/dav/", "/dav/principals/users/alice/", "/dav/calendars/alice/", WORK, "/dav/calendars/nobody/x/"]:
        answer = propfind(None, path, "<D:current-user-principal/>")
        assert answer.status == 401, f"{path}: {answer}"
        challenges.add(answer.headers["www-authenticate"])
    assert len(challenges) == 1, challenges
    assert re.fullmatch(r'Basic realm="[^"]+", charset="UTF-8"', challenges.pop())


@each(*EVERYONE)
def discovery(who):
    """discovery: {} finds principal, one home, and the calendars in it"""
    for root in ["/", "/principals/", "/dav/", "/dav/principals/"]:
        (_, found), = propfind(who, root, "<D:current-user-principal/>").responses().values()
        assert found[D + "current-user-principal"].findtext(D + "href") == f"/dav/principals/users/{who}/", root
    (_, found), = propfind(who, f"/dav/principals/users/{who}/", "<C:calendar-home-set/>").responses().values()
    homes = [href.text for href in found[C + "calendar-home-set"]]
    assert homes == [f"/dav/calendars/{who}/"], homes
    rows = propfind(who, homes[0], "<D:resourcetype/><D:displayname/>", "1")
    calendars = {href for href, (_, found) in rows.responses().items() if found[D + "resourcetype"].find(C + "calendar") is not None}
    expected = {OWNER: 2}.get(who, 2 if who in LEVELS else 1)
    assert f"{homes[0]}default/" in calendars and len(calendars) == expected, calendars
    assert len(mount(who)) == (1 if who in LEVELS else 0)
    WORK_MOUNTS.update({who: path for path in mount(who)})
    world.no_withheld_word(who, rows.body)
    if who in ("free-busy", "titles"):
        assert "Work of Alice" not in rows.body, "the owner's name of the calendar is shown below details"


@each("/", "/dav/", "/dav/principals/users/alice/", "/dav/calendars/alice/", WORK)
def options(path):
    """discovery: OPTIONS on {} says what the server is"""
    answer = curl(OWNER, "OPTIONS", path)
    classes = [word.strip() for word in answer.headers.get("dav", "").split(",")]
    assert answer.status == 200 and "calendar-access" in classes and "1" in classes and "3" in classes, answer


@each(OWNER, *LEVELS)
def view(who):
    """view: {} sees exactly what the level says, at the owner's path and in the own home"""
    assert seen(who) == world.SEEN[who], seen(who)
    for path in mount(who):
        assert seen(who, path) == world.SEEN[who], seen(who, path)


@each(*SEES_NOTHING)
def absent(who):
    """view: to {} the calendar is as absent as one that never was"""
    def asked(path):
        answers = [propfind(who, path, "<D:resourcetype/>"), propfind(who, path, "<D:resourcetype/>", "1"), query(who, path)]
        for method, target in [("GET", ""), ("GET", "review%40example.org.ics"), ("DELETE", "review%40example.org.ics"),
                               ("DELETE", ""), ("OPTIONS", ""), ("HEAD", "review%40example.org.ics"), ("MKCALENDAR", "")]:
            answers.append(curl(who, method, path + target))
        answers.append(curl(who, "PUT", path + "new.ics", world.event("new", "New")))
        answers.append(curl(who, "MOVE", path + "review%40example.org.ics", headers=[f"Destination: /dav/calendars/{who}/default/a.ics"]))
        for answer in answers:
            answer.headers.pop("date")
        return [(answer.status, answer.headers, answer.body.replace(path, "HERE")) for answer in answers]
    there, nowhere = asked(WORK), asked("/dav/calendars/alice/never/")
    assert there == nowhere, [pair for pair in zip(there, nowhere) if pair[0] != pair[1]]
    assert all(answer[0] in (403, 404, 405, 409, 200) for answer in there), [answer[0] for answer in there]


@each(OWNER, *LEVELS)
def agreement(who):
    """view: GET, HEAD, multiget, query, sync and listing agree for {}, and no withheld word is among them"""
    rows = query(who, WORK, "")
    world.no_withheld_word(who, rows.body)
    data = texts(rows)
    etags = {href: found[D + "getetag"].text for href, (_, found) in rows.responses().items()}
    hrefs = "".join(f"<D:href>{href}</D:href>" for href in data)
    props = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    many = report(who, WORK, f"<C:calendar-multiget {NAMESPACES}>{props}{hrefs}</C:calendar-multiget>")
    assert texts(many) == data
    assert sync(who, WORK)[0] == etags
    listed = propfind(who, WORK, "<D:getetag/><D:getcontenttype/><D:getlastmodified/><D:displayname/><D:creationdate/>", "1")
    world.no_withheld_word(who, listed.body.replace("Alice Adams", ""))
    members = {href: found for href, (_, found) in listed.responses().items() if href != WORK}
    assert {href: found[D + "getetag"].text for href, found in members.items()} == etags
    for href, text in data.items():
        answer = curl(who, "GET", href)
        assert answer.status == 200 and answer.body.replace("\r\n", "\n") == text.replace("\r\n", "\n"), href
        assert answer.headers["etag"] == etags[href] and re.fullmatch(r'"[A-Za-z0-9_-]{22}"', etags[href]), etags[href]
        assert answer.headers["content-type"].startswith("text/calendar"), answer
        assert curl(who, "GET", href, headers=[f"If-None-Match: {etags[href]}"]).status == 304
        head = curl(who, "HEAD", href)
        assert head.status == 200 and head.headers["content-length"] == str(len(answer.body.encode())), head
        if who in ("free-busy", "titles"):
            assert "example.org" not in unquote(href) + text, "a real name or UID is shown"


@each(*LEVELS)
def free_busy(who):
    """view: free-busy-query answers {} the same busy times as the owner"""
    def periods(name):
        answer = report(name, WORK, f'<C:free-busy-query {NAMESPACES}><C:time-range {MONTH}/></C:free-busy-query>')
        assert answer.status == 200 and "BEGIN:VFREEBUSY" in answer.body, answer
        return sorted(re.findall(r"^FREEBUSY.*$", answer.body.replace("\r\n", "\n").replace("\n ", ""), re.M))
    assert periods(who) == periods(OWNER) and any("BUSY-TENTATIVE" in line for line in periods(who)), periods(who)


@each(*LEVELS)
def filters(who):
    """view: {} cannot find by a filter what is not shown"""
    for word in world.WITHHELD[who]:
        for prop in ["SUMMARY", "DESCRIPTION", "LOCATION", "ATTENDEE", "UID"]:
            inner = (f'<C:comp-filter name="VEVENT"><C:prop-filter name="{prop}"><C:text-match>{word}</C:text-match></C:prop-filter>'
                     "</C:comp-filter>")
            assert query(who, WORK, inner).responses() == {}, f"{prop} {word}"
            if prop == "SUMMARY":
                assert len(query(OWNER, WORK, inner).responses()) == (word in " ".join(world.SEEN[OWNER]))


@each(OWNER, *LEVELS)
def privilege_set(who):
    """rights: current-user-privilege-set tells {} just what may be done"""
    has = {tag.split("}")[1] for tag in privileges(who, WORK)}
    can = {"write-content", "bind"} if who not in READ_ONLY else set()
    can |= {"write", "unbind"} if who in (OWNER, "edit-delete") else set()
    can |= {"all", "read-acl", "write-acl"} if who == OWNER else set()
    never = {"write", "write-content", "bind", "unbind", "all", "read-acl", "write-acl"} - can
    assert {"read", "read-current-user-privilege-set", "write-properties"} | can <= has, has
    assert not never & has, never & has
    assert {tag.split("}")[1] for path in mount(who) for tag in privileges(who, path)} in (set(), has)


@each(OWNER, *LEVELS)
def writing(who):
    """rights: {} creates, changes and deletes as far as the level goes, and a refused write changes nothing"""
    name = f"write-{who}"
    world.calendar(name, texts=[world.event("kept@example.org", "Kept", extra=["DESCRIPTION:Words"])])
    path = f"/dav/calendars/alice/{name}/"
    before = curl(OWNER, "GET", f"{path}kept%40example.org.ics")
    new = world.event("new@example.org", "New")
    created = curl(who, "PUT", f"{path}new.ics", new, ["If-None-Match: *"])
    href = next(href for href in texts(query(who, path)) if "new" not in href)
    change = before.body.replace("SUMMARY:Kept", "SUMMARY:Changed")
    changed = curl(who, "PUT", href, change, [f"If-Match: {curl(who, 'GET', href).headers['etag']}"])
    if who in READ_ONLY:
        refused_for(created, "bind")
        refused_for(changed, "write-content")
        assert curl(OWNER, "GET", f"{path}kept%40example.org.ics").body == before.body
    else:
        assert created.status == 201 and created.headers["etag"] == curl(who, "GET", f"{path}new.ics").headers["etag"], created
        assert curl(OWNER, "GET", f"{path}new.ics").body == new
        assert changed.status in (200, 204), changed
        assert "SUMMARY:Changed" in curl(OWNER, "GET", f"{path}kept%40example.org.ics").body
        assert curl(who, "PUT", href, change, ['If-Match: "AAAAAAAAAAAAAAAAAAAAAA"']).status == 412
        assert curl(who, "PUT", href, change, ["If-None-Match: *"]).status == 412
    etag, token = curl(who, "GET", href).headers["etag"], sync(who, path)[1]
    deleted = curl(who, "DELETE", href, headers=[f"If-Match: {etag}"])
    if who in (OWNER, "edit-delete"):
        assert deleted.status in (200, 204) and curl(OWNER, "GET", f"{path}kept%40example.org.ics").status == 404, deleted
    else:
        refused_for(deleted, "unbind")
        assert curl(OWNER, "GET", f"{path}kept%40example.org.ics").status == 200
        # A client that has removed its copy already is to fetch it again.
        assert curl(who, "GET", href).headers["etag"] != etag, "a refused DELETE left the ETag as it was"
        assert href in sync(who, path, token)[0], "a refused DELETE left the sync state as it was"


@each("edit", "edit-delete")
def withheld(who):
    """rights: {} can neither change nor delete a private event, nor make one over it"""
    body = {href: text for href, text in texts(query(who, WORK)).items() if "Private event" in text and "RRULE" not in text}
    assert len(body) == 2, body
    before = sorted(texts(query(OWNER, WORK)).items())
    for href, text in body.items():
        refused_for(curl(who, "PUT", href, text.replace("Private event", "Mine")), "write-content")
        refused_for(curl(who, "DELETE", href), "unbind")
    assert sorted(texts(query(OWNER, WORK)).items()) == before


@each(*LEVELS)
def own_properties(who):
    """rights: {} names and colours the calendar without changing it for the owner"""
    path = WORK_MOUNTS[who]
    body = (f'<D:propertyupdate {NAMESPACES} xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop><D:displayname>Mine</D:displayname>'
            "<A:calendar-color>#123456FF</A:calendar-color></D:prop></D:set></D:propertyupdate>")
    answer = curl(who, "PROPPATCH", path, body, ["Content-Type: application/xml"])
    (_, found), = answer.responses().values()
    assert D + "displayname" in found, answer
    name = lambda person, where: next(iter(propfind(person, where, "<D:displayname/>").responses().values()))[1][D + "displayname"].text
    assert name(who, path) == "Mine" and name(OWNER, WORK) == "Work of Alice"


@each(*LEVELS)
def level_changes(level):
    """changes: a client that saw everything keeps nothing it may not see once its share is set to {}"""
    name = f"down-{level}"
    world.calendar(name, [], [world.event("talk@example.org", "Talk", extra=["DESCRIPTION:Words"]),
                              world.event("secret@example.org", "Secret", "20260618T120000Z", "20260618T130000Z", ["CLASS:PRIVATE"])])
    path, who = f"/dav/calendars/alice/{name}/", "edit-delete"
    world.share(f"alice/{name}", who, "edit-delete", "--private-events", "show")
    copy, token = sync(who, path)
    assert len(copy) == 2 and sorted(summary.split(" ")[1] for summary in seen(who, path)) == ["Secret", "Talk"]
    world.share(f"alice/{name}", who, level)
    changes = sync(who, path, token)
    if changes is None:
        copy, (rows, _) = {}, sync(who, path)
    else:
        rows = changes[0]
    for href, etag in rows.items():
        if etag.startswith('"'):
            copy[href] = etag
        else:
            assert "404" in etag, etag
            copy.pop(href)
    fresh, _ = sync(who, path)
    assert copy == fresh, (copy, fresh)
    expected = {"free-busy": ["Busy", "Busy"], "titles": ["Private event", "Talk"]}.get(level, ["Private event", "Talk"])
    assert sorted(line.split(" ", 1)[1] for line in seen(who, path)) == expected, seen(who, path)


@test
def pausing_and_ending():
    """changes: a paused, ended or expired share hides the calendar at once, and renewed it is under the same name"""
    world.calendar("pause", ["details"], [world.event("talk@example.org", "Talk")])
    path, who = "/dav/calendars/alice/pause/", "details"
    status = lambda: propfind(who, path, "<D:resourcetype/>").status
    mounts = set(mount(who))
    assert status() == 207
    world.share("alice/pause", who, "none")
    assert status() == 404
    assert len(set(mount(who))) == len(mounts) - 1
    world.share("alice/pause", who, "details")
    assert status() == 207 and set(mount(who)) == mounts
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 8))
    world.share("alice/pause", who, "details", "--until", soon)
    assert status() == 207
    time.sleep(9)
    assert status() == 404
    world.share("alice/pause", who, "details")
    assert status() == 207
    world.shoji("share", "remove", "alice/pause", "--user", who)
    assert status() == 404


@test
def groups():
    """changes: membership of a group, nested too, holds from the next request on"""
    world.calendar("team", [], [world.event("talk@example.org", "Talk")])
    for group in ["inner", "outer"]:
        world.shoji("group", "add", group)
    world.shoji("share", "set", "alice/team", "--group", "outer", "--level", "titles")
    see = lambda: propfind("stranger", "/dav/calendars/alice/team/", "<D:resourcetype/>").status
    assert see() == 404
    world.shoji("group", "member", "add", "inner", "stranger")
    assert see() == 404
    world.shoji("group", "member", "add", "outer", "inner")
    assert see() == 207 and seen("stranger", "/dav/calendars/alice/team/") == ["20260617T120000Z Talk"]
    world.shoji("group", "member", "remove", "inner", "stranger")
    assert see() == 404


@test
def sync_tells_only_what_is_seen():
    """changes: what the owner changes behind a projection moves neither tag nor token of those who do not see it"""
    world.calendar("quiet", texts=[world.event("talk@example.org", "Talk")])
    path = "/dav/calendars/alice/quiet/"
    tag = lambda who: next(iter(propfind(who, path, "<CS:getctag/><D:sync-token/>").responses().values()))[1]
    state = lambda who: (tag(who)[CS + "getctag"].text, tag(who)[D + "sync-token"].text)
    before = {who: state(who) for who in LEVELS}
    href = f"{path}talk%40example.org.ics"
    assert curl(OWNER, "PUT", href, world.event("talk@example.org", "Talk", extra=["DESCRIPTION:More"])).status in (200, 204)
    after = {who: state(who) for who in LEVELS}
    assert {who for who in LEVELS if before[who] != after[who]} == {"details", "edit", "edit-delete"}
    assert curl(OWNER, "PUT", href, world.event("talk@example.org", "Other", extra=["DESCRIPTION:More"])).status in (200, 204)
    assert {who for who in LEVELS if state(who) != after[who]} == {"titles", "details", "edit", "edit-delete"}


@test
def tokens():
    """changes: a token of nowhere is refused by valid-sync-token"""
    body = f'<D:sync-collection {NAMESPACES}><D:sync-token>data:,nowhere</D:sync-token><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>'
    answer = report("titles", WORK, body, "0")
    assert answer.status == 403 and answer.xml().find(D + "valid-sync-token") is not None, answer


@each("1.1", "2")
def versions(version):
    """transport: HTTP/{} gives the same answers"""
    option = {"1.1": "--http1.1", "2": "--http2-prior-knowledge"}[version]
    answer = curl(OWNER, "GET", f"{WORK}review%40example.org.ics", options=[option])
    assert answer.version == version and answer.status == 200 and "Marzipan" in answer.body, answer
    put = curl(OWNER, "PUT", f"/dav/calendars/alice/default/over-{version}.ics", world.event(f"over-{version}", "Over"), options=[option])
    assert put.status == 201 and put.version == version, put


@test
def chunked():
    """transport: a body in chunks, and one that waits for 100 Continue, arrive whole"""
    text = world.event("chunked@example.org", "Chunked", extra=["DESCRIPTION:" + "x" * 60] * 1)
    path = "/dav/calendars/alice/default/chunked.ics"
    assert curl(OWNER, "PUT", path, text, ["Transfer-Encoding: chunked"]).status == 201
    assert curl(OWNER, "PUT", path, text, ["Expect: 100-continue"]).status in (200, 204)
    assert curl(OWNER, "GET", path).body == text


@test
def one_connection_two_people():
    """transport: two people on one connection each get their own view"""
    url = world.URL.rstrip("/") + WORK
    body = f'<C:calendar-query {NAMESPACES}><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
    step = lambda who: ["-s", "-X", "REPORT", "-H", "Depth: 1", "--data-binary", body, "-u", f"{who}:{world.password(who)}", url]
    done = subprocess.run(["curl", *step(OWNER), "-w", "\n=====\n", "--next", *step("free-busy"), "-w", "\n%{num_connects}"],
                          capture_output=True, text=True, timeout=60)
    first, second = done.stdout.split("\n=====\n")
    assert "Marzipan" in first and second.endswith("\n0"), second[-40:]
    world.no_withheld_word("free-busy", second)


@test
def strangers_at_the_door():
    """sign-in: a wrong password and an unknown user get the same answer, on existing and absent addresses"""
    def shown(who, path):
        answer = curl(who, "PROPFIND", path, headers=["Depth: 0"], secret="wrong")
        answer.headers.pop("date")
        return answer.status, answer.headers, answer.body
    answers = [shown(who, path) for who in ["alice", "mallory"] for path in [WORK, "/dav/calendars/alice/never/", "/dav/nowhere"]]
    assert answers[0][0] == 401 and all(answer == answers[0] for answer in answers), answers


@test
def new_password():
    """sign-in: a changed password ends the old one at once"""
    world.shoji("user", "add", "dora", "--password-stdin", stdin="first\n")
    signed_in = lambda secret: curl("dora", "PROPFIND", "/dav/calendars/dora/", headers=["Depth: 0"], secret=secret).status
    assert signed_in("first") == 207 and signed_in("first") == 207
    world.shoji("user", "passwd", "dora", "--password-stdin", stdin="second\n")
    assert signed_in("first") == 401 and signed_in("second") == 207
    world.shoji("user", "remove", "dora", "--yes")
    assert signed_in("second") == 401


@test
def health():
    """operation: /healthz answers without sign-in"""
    answer = curl(None, "GET", "/healthz")
    assert answer.status == 200, answer


@test
def own_calendar():
    """owner: MKCALENDAR, a task in it, MOVE, COPY, and DELETE of it all"""
    home = "/dav/calendars/alice/"
    body = (f'<C:mkcalendar {NAMESPACES}><D:set><D:prop><D:displayname>Chores</D:displayname><C:supported-calendar-component-set>'
            '<C:comp name="VTODO"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>')
    assert curl(OWNER, "MKCALENDAR", f"{home}chores/", body).status == 201
    task = world.event("task@example.org", "Sweep").replace("VEVENT", "VTODO").replace("DTEND", "DUE")
    wrong = curl(OWNER, "PUT", f"{home}chores/event.ics", world.event("event@example.org", "Not here"))
    assert wrong.status == 403 and wrong.xml().find(C + "supported-calendar-component") is not None, wrong
    assert curl(OWNER, "PUT", f"{home}chores/task.ics", task).status == 201
    again = curl(OWNER, "PUT", f"{home}chores/other.ics", task)
    assert again.status in (403, 409) and again.xml().find(C + "no-uid-conflict") is not None, again
    assert curl(OWNER, "MOVE", f"{home}chores/task.ics", headers=[f"Destination: {home}chores/moved.ics"]).status == 201
    assert curl(OWNER, "COPY", f"{home}chores/moved.ics", headers=[f"Destination: {home}default/copied.ics"]).status == 201
    assert curl(OWNER, "GET", f"{home}default/copied.ics").body == task
    assert curl(OWNER, "DELETE", f"{home}chores/").status in (200, 204)
    assert curl(OWNER, "GET", f"{home}chores/moved.ics").status == 404


VERSION = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
world.run(f"curl {VERSION}")
