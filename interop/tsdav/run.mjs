// tsdav: the library under scheduling pages and bridges, as the owner and as a grantee of every level.

import { pathToFileURL } from "node:url";
import { join } from "node:path";

const { EVERYONE, LEVELS, OWNER, READ_ONLY, SEEN, SEES_NOTHING, URL_ROOT, assert, calendar, each, event, load, noWithheldWord, password, run, same, share, test } =
  await import(pathToFileURL(join(process.env.INTEROP_WORLD, "world.mjs")));
const { DAVClient } = load("tsdav");

const MONTH = { start: "2026-06-01T00:00:00Z", end: "2026-07-01T00:00:00Z" };

async function client(who) {
  const session = new DAVClient({
    serverUrl: URL_ROOT,
    credentials: { username: who, password: password(who) },
    authMethod: "Basic",
    defaultAccountType: "caldav",
  });
  await session.login();
  return session;
}

const segment = (url) => new URL(url).pathname.replace(/\/$/, "").split("/").pop();

async function calendars(who) {
  const session = await client(who);
  const found = await session.fetchCalendars();
  return { session, found: Object.fromEntries(found.map((one) => [segment(one.url), one])) };
}

const mounts = async (who) => Object.keys((await calendars(who)).found).filter((name) => /^[a-z2-7]{26}$/.test(name));

/** Before any other calendar is shared, the one mount in a home is `work`. */
const WORK = { alice: "work" };
for (const who of LEVELS) [WORK[who]] = await mounts(who);

/** A calendar for one test: its name in the homes of these people. */
async function shared(name, people, texts, levels = LEVELS) {
  const before = {};
  for (const who of people) before[who] = await mounts(who);
  calendar(name, levels, texts);
  const names = { alice: name };
  for (const who of people.filter((one) => one !== OWNER)) [names[who]] = (await mounts(who)).filter((mount) => !before[who].includes(mount));
  return names;
}

async function open(who, names) {
  const { session, found } = await calendars(who);
  assert(found[names[who]], `${who} has no ${names[who]}`);
  return { session, at: found[names[who]] };
}

const unfold = (text) => text.replaceAll("\r\n", "\n").replaceAll("\n ", "");

/** START SUMMARY of each event, as seen.json has it. */
function shown(objects) {
  const lines = [];
  for (const { data } of objects) {
    for (const part of unfold(data).split("BEGIN:VEVENT").slice(1)) {
      lines.push(`${/^DTSTART[^:\n]*:(.*)$/m.exec(part)[1]} ${/^SUMMARY[^:\n]*:(.*)$/m.exec(part)[1]}`);
    }
  }
  return lines.sort();
}

const summaries = (objects) => objects.map(({ data }) => /^SUMMARY[^:\n]*:(.*)$/m.exec(unfold(data))[1]).sort();

/** A calendar as a program keeps it between two synchronizations. */
const kept = (session, at, objects) => ({
  ...at,
  objects,
  objectMultiGet: (params) => session.calendarMultiGet(params),
  fetchObjects: ({ collection }) => session.fetchCalendarObjects({ calendar: collection }),
});

async function ownerSees(names) {
  const { session, at } = await open(OWNER, names);
  return session.fetchCalendarObjects({ calendar: at });
}

each(EVERYONE, "account: {} finds home and calendars from the bare address", async (who) => {
  const { session, found } = await calendars(who);
  same(new URL(session.account.principalUrl).pathname, `/dav/principals/users/${who}/`);
  same(new URL(session.account.homeUrl).pathname, `/dav/calendars/${who}/`);
  same(Object.keys(found).sort(), ["default", ...(WORK[who] ? [WORK[who]] : [])].sort());
});

each([OWNER, ...LEVELS], "account: {} reads name, components and reports of the calendar", async (who) => {
  const { at } = await open(who, WORK);
  same(at.displayName, ["free-busy", "titles"].includes(who) ? "Alice Adams" : "Work of Alice");
  assert(at.components.includes("VEVENT"), at.components);
  assert(at.reports.includes("syncCollection") && at.reports.includes("calendarMultiget") && at.reports.includes("calendarQuery"), at.reports);
  assert(at.ctag && at.syncToken, "no ctag or sync token");
});

each([OWNER, ...LEVELS], "view: {} sees exactly what the level shows", async (who) => {
  const { session, at } = await open(who, WORK);
  const expanded = await session.fetchCalendarObjects({ calendar: at, timeRange: MONTH, expand: true });
  same(shown(expanded), SEEN[who]);
});

each([OWNER, ...LEVELS], "view: no withheld word is in anything that {} fetches", async (who) => {
  const { session, at } = await open(who, WORK);
  const byMultiGet = await session.fetchCalendarObjects({ calendar: at });
  const byQuery = await session.fetchCalendarObjects({ calendar: at, useMultiGet: false });
  assert(byMultiGet.length >= 6, `${byMultiGet.length} objects`);
  const sorted = (objects) => objects.map(({ url, etag, data }) => [segment(url), etag, data]).sort();
  same(sorted(byMultiGet), sorted(byQuery));
  noWithheldWord(who, JSON.stringify(byMultiGet));
});

each([OWNER, ...LEVELS], "writing: {} creates, changes and deletes as far as the level goes", async (who) => {
  const names = await shared(`write-${who}`, [who], [event("kept@example.org", "Kept")]);
  const { session, at } = await open(who, names);
  const [first] = await session.fetchCalendarObjects({ calendar: at });
  const created = await session.createCalendarObject({ calendar: at, filename: "new.ics", iCalString: event("new@example.org", "New") });
  const changed = await session.updateCalendarObject({ calendarObject: { ...first, data: first.data.replace(/SUMMARY:\w+/, "SUMMARY:Changed") } });
  if (READ_ONLY.includes(who)) {
    same([created.status, changed.status], [403, 403]);
    same(summaries(await ownerSees(names)), ["Kept"]);
  } else {
    assert(created.status === 201 && [200, 204].includes(changed.status), [created.status, changed.status]);
    same(summaries(await ownerSees(names)), ["Changed", "New"]);
    const stale = await session.updateCalendarObject({ calendarObject: first });
    same(stale.status, 412);
  }
  const fresh = (await session.fetchCalendarObjects({ calendar: at })).find(({ url }) => !url.endsWith("/new.ics"));
  const deleted = await session.deleteCalendarObject({ calendarObject: fresh });
  const left = summaries(await ownerSees(names));
  if ([OWNER, "edit-delete"].includes(who)) {
    assert([200, 204].includes(deleted.status), deleted.status);
    same(left, ["New"]);
  } else {
    same(deleted.status, 403);
    same(left, READ_ONLY.includes(who) ? ["Kept"] : ["Changed", "New"]);
  }
});

each(["edit", "edit-delete"], "writing: {} can neither change nor delete a private event", async (who) => {
  const names = await shared(`withheld-${who}`, [who], [event("secret@example.org", "Secret", ["CLASS:PRIVATE"])]);
  const { session, at } = await open(who, names);
  const [shut] = await session.fetchCalendarObjects({ calendar: at });
  assert(shut.data.includes("Private event"), shut.data);
  const changed = await session.updateCalendarObject({ calendarObject: { ...shut, data: shut.data.replace("Private event", "Mine") } });
  const [again] = await session.fetchCalendarObjects({ calendar: at });
  const deleted = await session.deleteCalendarObject({ calendarObject: again });
  same([changed.status, deleted.status], [403, 403]);
  same(summaries(await ownerSees(names)), ["Secret"]);
});

each([OWNER, ...LEVELS], "sync: {} learns of what was added, changed and removed, by token and by ctag", async (who) => {
  const texts = ["Stays", "Changes", "Goes"].map((word) => event(`${word}@example.org`, word));
  const names = await shared(`sync-${who}`, [who], texts);
  const { session, at } = await open(who, names);
  const objects = await session.fetchCalendarObjects({ calendar: at });
  same(objects.length, 3);
  const owner = await open(OWNER, names);
  const mine = await owner.session.fetchCalendarObjects({ calendar: owner.at });
  const find = (word) => mine.find(({ data }) => data.includes(`SUMMARY:${word}`));
  const longer = find("Changes").data.replace("SUMMARY:Changes", "SUMMARY:Changed").replace("DTEND:20260617T130000Z", "DTEND:20260617T140000Z");
  const { status } = await owner.session.updateCalendarObject({ calendarObject: { ...find("Changes"), data: longer } });
  assert([200, 204].includes(status), status);
  await owner.session.deleteCalendarObject({ calendarObject: find("Goes") });
  await owner.session.createCalendarObject({ calendar: owner.at, filename: "new.ics", iCalString: event("New@example.org", "New") });
  for (const method of ["webdav", "basic"]) {
    const { objects: changes, syncToken } = await session.smartCollectionSync({ collection: kept(session, at, objects), method, detailedResult: true });
    same([method, changes.created.length, changes.updated.length, changes.deleted.length], [method, 1, 1, 1]);
    if (method === "webdav") assert(syncToken !== at.syncToken, "the token did not move");
  }
  const merged = await session.smartCollectionSync({ collection: kept(session, at, objects), method: "webdav" });
  same(summaries(merged.objects), who === "free-busy" ? ["Busy", "Busy", "Busy"] : ["Changed", "New", "Stays"]);
});

each(["free-busy", "titles"], "sync: after the level falls from details to {} nothing of before is kept", async (level) => {
  const names = await shared(`fall-${level}`, ["details"], [event("talk@example.org", "Talk", ["DESCRIPTION:Words"])], ["details"]);
  const { session, at } = await open("details", names);
  const objects = await session.fetchCalendarObjects({ calendar: at });
  assert(objects[0].data.includes("Words"), objects);
  share(`alice/fall-${level}`, "details", level);
  for (const method of ["webdav", "basic"]) {
    const { objects: left } = await session.smartCollectionSync({ collection: kept(session, at, objects), method });
    same([method, left.length, JSON.stringify(left).includes("Words")], [method, 1, false]);
    same(summaries(left), [level === "titles" ? "Talk" : "Busy"]);
  }
  share(`alice/fall-${level}`, "details", "none");
  assert(!(await mounts("details")).includes(names.details), "a paused share is still in the home");
});

each(LEVELS, "view: {} gets the owner's busy times from a free-busy report", async (who) => {
  const periods = async (person) => {
    const { session, at } = await open(person, WORK);
    const answer = await session.freeBusyQuery({ url: at.url, timeRange: MONTH, depth: "1" });
    return unfold(String(answer.raw)).split("\n").filter((line) => line.startsWith("FREEBUSY")).sort();
  };
  const found = await periods(who);
  assert(found.length > 1, found);
  same(found, await periods(OWNER));
});

each(SEES_NOTHING, "view: {} gets nothing at the owner's address", async (who) => {
  const { session } = await calendars(who);
  const url = `${URL_ROOT}dav/calendars/alice/work/`;
  const { status } = await session.createCalendarObject({ calendar: { url }, filename: "new.ics", iCalString: event("new@example.org", "New") });
  same(status, 404);
  const answers = await session.propfind({ url, props: { "d:displayname": {} }, depth: "0" });
  same(answers[0].status, 404);
});

test("owner: makes a calendar, finds it, and deletes it", async () => {
  const session = await client(OWNER);
  const url = `${session.account.homeUrl}made-by-tsdav/`;
  await session.makeCalendar({ url, props: { "d:displayname": "Made" } });
  const { found } = await calendars(OWNER);
  same(found["made-by-tsdav"].displayName, "Made");
  await session.deleteObject({ url });
  assert(!(await calendars(OWNER)).found["made-by-tsdav"], "still there");
});

test("conflicts: edit's stale change and deletion are told apart from the owner's, and lose nothing", async () => {
  const names = await shared("clash", ["edit", "edit-delete"], [event("talk@example.org", "Talk")]);
  const owner = await open(OWNER, names);
  const [hers] = await owner.session.fetchCalendarObjects({ calendar: owner.at });
  const stale = {};
  for (const who of ["edit", "edit-delete"]) {
    const { session, at } = await open(who, names);
    [stale[who]] = await session.fetchCalendarObjects({ calendar: at });
    stale[who].session = session;
  }
  const { status } = await owner.session.updateCalendarObject({ calendarObject: { ...hers, data: hers.data.replace("SUMMARY:Talk", "SUMMARY:Mine") } });
  assert([200, 204].includes(status), status);
  for (const who of ["edit", "edit-delete"]) {
    const { session, ...object } = stale[who];
    const changed = await session.updateCalendarObject({ calendarObject: { ...object, data: object.data.replace("SUMMARY:Talk", "SUMMARY:Theirs") } });
    const deleted = await session.deleteCalendarObject({ calendarObject: object });
    same([who, changed.status, deleted.status], [who, 412, who === "edit" ? 403 : 412]);
  }
  same(summaries(await ownerSees(names)), ["Mine"]);
});

each([...READ_ONLY, "edit"], "sync: an event that {} was refused to delete comes back by the next synchronization", async (who) => {
  const names = await shared(`touch-${who}`, [who], [event("one@example.org", "One")]);
  const { session, at } = await open(who, names);
  const objects = await session.fetchCalendarObjects({ calendar: at });
  const { status } = await session.deleteCalendarObject({ calendarObject: objects[0] });
  same(status, 403);
  // The program has dropped it already, and goes by token and tags alone.
  for (const method of ["webdav", "basic"]) {
    const { objects: changes } = await session.smartCollectionSync({ collection: kept(session, at, objects), method, detailedResult: true });
    same([method, changes.created.length, changes.updated.length, changes.deleted.length], [method, 0, 1, 0]);
  }
});

test("sync: as a level rises from nothing to edit-delete, each synchronization brings what may be seen, then takes what is written", async () => {
  const names = await shared("rise", ["titles"], [event("talk@example.org", "Talk", ["DESCRIPTION:Words"])], ["titles"]);
  let { session, at } = await open("titles", names);
  share("alice/rise", "titles", "none");
  assert(!(await mounts("titles")).includes(names.titles), "a paused share is in the home");
  share("alice/rise", "titles", "free-busy");
  ({ session, at } = await open("titles", names));
  let objects = await session.fetchCalendarObjects({ calendar: at });
  for (const [level, summary, words] of [["titles", "Talk", false], ["details", "Talk", true], ["edit", "Talk", true], ["edit-delete", "Talk", true]]) {
    share("alice/rise", "titles", level);
    const synced = await session.smartCollectionSync({ collection: kept(session, at, objects), method: "webdav" });
    objects = synced.objects;
    at = { ...at, syncToken: synced.syncToken, ctag: synced.ctag };
    same([level, summaries(objects), JSON.stringify(objects).includes("Words")], [level, [summary], words]);
    const { status } = await session.createCalendarObject({ calendar: at, filename: `${level}.ics`, iCalString: event(`${level}@example.org`, `By ${level}`) });
    same([level, status], [level, level.startsWith("edit") ? 201 : 403]);
    if (status !== 201) continue;
    const made = (await session.fetchCalendarObjects({ calendar: at })).find(({ url }) => url.endsWith(`/${level}.ics`));
    const deleted = await session.deleteCalendarObject({ calendarObject: made });
    same([level, deleted.status === 403], [level, level === "edit"]);
    if (level === "edit") await (await client(OWNER)).deleteObject({ url: `${URL_ROOT}dav/calendars/alice/rise/edit.ics` });
  }
  same(summaries(await ownerSees(names)), ["Talk"]);
});

each(LEVELS, "sharing: {} names and colours the calendar for himself, and leaves it without taking it from the owner", async (who) => {
  const names = await shared(`leave-${who}`, [who], [event("talk@example.org", "Talk")]);
  const { session, at } = await open(who, names);
  const answers = await session.propfind({ url: at.url, props: { "d:displayname": {} }, depth: "0" });
  assert(answers[0].ok, answers);
  const set = `<d:propertyupdate xmlns:d="DAV:" xmlns:a="http://apple.com/ns/ical/"><d:set><d:prop><d:displayname>My name</d:displayname><a:calendar-color>#112233</a:calendar-color></d:prop></d:set></d:propertyupdate>`;
  const patched = await fetch(at.url, { method: "PROPPATCH", headers: { ...session.authHeaders, "Content-Type": "application/xml" }, body: set });
  same(patched.status, 207);
  const mine = (await calendars(who)).found[names[who]];
  const hers = (await calendars(OWNER)).found[names[OWNER]];
  same([mine.displayName, mine.calendarColor], ["My name", "#112233"]);
  assert(hers.displayName !== "My name" && hers.calendarColor !== "#112233", hers);
  const { status } = await session.deleteObject({ url: at.url });
  assert([200, 204].includes(status), status);
  assert(!(await mounts(who)).includes(names[who]), "still there");
  same(summaries(await ownerSees(names)), ["Talk"]);
});

test("sharing: what edit writes each other grantee sees at his own level", async () => {
  const others = LEVELS.filter((who) => who !== "edit");
  const names = await shared("among", LEVELS, []);
  const { session, at } = await open("edit", names);
  await session.createCalendarObject({ calendar: at, filename: "plan.ics", iCalString: event("plan@example.org", "Plan", ["DESCRIPTION:Words"]) });
  for (const who of others) {
    const reader = await open(who, names);
    const objects = await reader.session.fetchCalendarObjects({ calendar: reader.at });
    same([who, summaries(objects)], [who, [who === "free-busy" ? "Busy" : "Plan"]]);
    same(JSON.stringify(objects).includes("Words"), !["free-busy", "titles"].includes(who));
  }
});

await run(`tsdav ${load("tsdav/package.json").version}`);
