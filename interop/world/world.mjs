// What every Node suite shares: whom it meets, what each may see, how it reports. See world.py for the same in Python.

import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const URL_ROOT = process.env.SHOJI_URL;
export const OWNER = "alice";
export const LEVELS = ["free-busy", "titles", "details", "edit", "edit-delete"];
export const READ_ONLY = ["free-busy", "titles", "details"];
export const SEES_NOTHING = ["none", "stranger"];
export const EVERYONE = [OWNER, ...LEVELS, ...SEES_NOTHING];

const read = (name) => JSON.parse(readFileSync(join(process.env.INTEROP_WORLD, name), "utf8"));
const seen = read("seen.json");
// Editors see what `details` sees: private events stay shut to them too.
export const SEEN = { ...seen, edit: seen.details, "edit-delete": seen.details, none: [], stranger: [] };

/** Words that must never reach them, by any request. */
export const WITHHELD = read("withheld.json");

/** A module installed for this suite. */
export const load = createRequire(join(process.env.INTEROP_MODULES, "suite.js"));

export const password = (who) => `${who}-password`;

export function assert(holds, words) {
  if (!holds) throw new Error(typeof words === "string" ? words : JSON.stringify(words));
}

export function same(found, expected) {
  assert(JSON.stringify(found) === JSON.stringify(expected), `found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

export function noWithheldWord(who, text) {
  const found = WITHHELD[who].filter((word) => text.toLowerCase().includes(word.toLowerCase()));
  assert(found.length === 0, `${who} was shown ${found}`);
}

/** One event as a client writes it. */
export function event(uid, summary, extra = [], start = "20260617T120000Z", end = "20260617T130000Z") {
  const lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//interop//EN", "BEGIN:VEVENT", `UID:${uid}`, "DTSTAMP:20260501T080000Z",
    `DTSTART:${start}`, `DTEND:${end}`, `SUMMARY:${summary}`, ...extra, "END:VEVENT", "END:VCALENDAR"];
  return lines.map((line) => `${line}\r\n`).join("");
}

/** The public command line, beside the running server; returns the JSON value it prints. */
export function shoji(words, stdin = "") {
  const done = spawnSync(process.env.SHOJI_BIN, ["--data", process.env.SHOJI_DATA, "--json", ...words], { input: stdin, encoding: "utf8", timeout: 60_000 });
  assert(done.status === 0, `shoji ${words.join(" ")} ended with ${done.status}: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

/** Changes a share while the server runs. */
export const share = (calendar, who, level) => shoji(["share", "set", calendar, "--user", who, "--level", level]);

/** A calendar of alice's for one test, shared with these grantees at the level each is named after. */
export function calendar(name, levels = LEVELS, texts = []) {
  const path = `${OWNER}/${name}`;
  shoji(["calendar", "create", path]);
  for (const text of texts) shoji(["import", path, "-"], text);
  for (const level of levels) share(path, level, level);
  return path;
}

const TESTS = [];
export const test = (name, run) => TESTS.push({ name, run });
/** A test for each value; the name holds {} for it. */
export const each = (values, name, run) => values.forEach((value) => TESTS.push({ name: name.replace("{}", value), run: () => run(value) }));

/** Runs every test in the order they were written, and reports. */
export async function run(version) {
  const tell = (line) => appendFileSync(process.env.INTEROP_RESULTS, `${JSON.stringify(line)}\n`);
  tell({ version });
  for (const { name, run: body } of TESTS) {
    try {
      await body();
      tell({ name, ok: true, words: "" });
    } catch (error) {
      console.error(error);
      tell({ name, ok: false, words: String(error).slice(0, 2000) });
    }
  }
}
