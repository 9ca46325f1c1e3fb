//! What is asked, and what an answer has to be: one that is wrong does not count, however fast it was.

use crate::calendar::Calendar;
use crate::window::{Window, covered};
use crate::wire::Answer;
use chrono::NaiveDateTime;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Requests that are one piece of work together: one, mostly.
pub(crate) type Ask = Vec<Step>;

/// One request.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) bytes: Vec<u8>,
    statuses: &'static [u16],
    check: Check,
    /// The last body that was found right: the same bytes again are as right.
    right: RefCell<Option<Right>>,
}

/// Bodies of more bytes are remembered by their hash: weeks of a large calendar would be more than the server that is measured has.
const REMEMBERED_BYTES_MAX: usize = 1 << 20;

/// A body that was right.
#[derive(Debug, PartialEq, Eq)]
enum Right {
    Body(Vec<u8>),
    Hash(blake3::Hash),
}

impl Right {
    fn of(body: &[u8]) -> Self {
        if body.len() > REMEMBERED_BYTES_MAX { Self::Hash(blake3::hash(body)) } else { Self::Body(body.to_vec()) }
    }
    fn is(&self, body: &[u8]) -> bool {
        match self {
            Self::Body(known) => known == body,
            Self::Hash(_) if body.len() <= REMEMBERED_BYTES_MAX => false,
            Self::Hash(known) => *known == blake3::hash(body),
        }
    }
}

/// What is known of an answer beforehand.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    /// These bytes.
    Same(Rc<Vec<u8>>),
    /// These bytes, or what means the same where a server writes in words of its own.
    Event(Rc<Calendar>, u32, Fidelity),
    /// Something that stands in it.
    Holds(&'static str),
    /// Rows for these.
    Rows(Rc<Rows>),
    /// Busy for so many seconds of the window.
    Busy(Window, i64),
}

/// Rows of a multistatus.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) calendar: Rc<Calendar>,
    /// Which events, in order of their numbers; all where nothing stands.
    pub(crate) events: Option<Vec<u32>>,
    /// Rows that are no event.
    pub(crate) others: usize,
    /// Whether each row has to have the event's text.
    pub(crate) texts: Texts,
    pub(crate) fidelity: Fidelity,
}

/// What rows carry of their events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    Absent,
    Present,
}

/// What can be expected of names and texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fidelity {
    /// The very bytes that were put, under their own names.
    Bytes,
    /// The same event under its own name, written anew.
    Event,
    /// Names of the server's choosing and all of the event.
    Renamed,
    /// Names of the server's choosing, and no notes or places: what a viewer gets who may not see them.
    Withheld,
}

impl Step {
    pub(crate) fn new(bytes: Vec<u8>, statuses: &'static [u16], check: Check) -> Self {
        Self { bytes, statuses, check, right: RefCell::default() }
    }

    /// Looks whether the answer is right.
    ///
    /// # Errors
    /// With what is wrong.
    pub(crate) fn verify(&self, answer: &Answer<'_>) -> Result<(), String> {
        if !self.statuses.contains(&answer.status) {
            return Err(format!("status {}: {}", answer.status, beginning(answer.body)));
        }
        if self.right.borrow().as_ref().is_some_and(|right| right.is(answer.body)) {
            return Ok(());
        }
        match &self.check {
            Check::Same(bytes) if bytes.as_slice() == answer.body => {}
            Check::Same(_) => return Err(format!("other bytes: {}", beginning(answer.body))),
            Check::Event(calendar, number, fidelity) => event(calendar, *number, *fidelity, &answer.text())?,
            Check::Holds(words) => holds(answer, words)?,
            Check::Rows(rows) => rows.verify(&answer.text())?,
            Check::Busy(window, seconds) => busy(*window, *seconds, &answer.text())?,
        }
        // Without a body there is nothing by which to know it again.
        *self.right.borrow_mut() = (!answer.body.is_empty()).then(|| Right::of(answer.body));
        Ok(())
    }
}

fn holds(answer: &Answer<'_>, words: &str) -> Result<(), String> {
    let found = answer.body.windows(words.len().max(1)).any(|window| window == words.as_bytes());
    if found { Ok(()) } else { Err(format!("lacks {words}: {}", beginning(answer.body))) }
}

fn beginning(body: &[u8]) -> String {
    String::from_utf8_lossy(body.get(..200).unwrap_or(body)).replace(['\r', '\n'], " ")
}

/// Whether the text is that event's.
fn event(calendar: &Calendar, number: u32, fidelity: Fidelity, text: &str) -> Result<(), String> {
    let is_right = match fidelity {
        Fidelity::Bytes => text == calendar.event(number).text,
        Fidelity::Event => text.contains(&calendar.uid(number)),
        Fidelity::Renamed => text.contains("BEGIN:VEVENT"),
        Fidelity::Withheld => text.contains("BEGIN:VEVENT") && !text.contains("DESCRIPTION") && !text.contains("LOCATION"),
    };
    if is_right { Ok(()) } else { Err(format!("not event {number}: {}", beginning(text.as_bytes()))) }
}

impl Rows {
    fn verify(&self, text: &str) -> Result<(), String> {
        let mut events = BTreeSet::new();
        let (mut names, mut others) = (BTreeSet::new(), 0);
        for row in rows(text) {
            if row.name.is_empty() {
                others += 1;
                continue;
            }
            if !names.insert(row.name) {
                return Err(format!("{} stands there twice", row.name));
            }
            let number = match self.fidelity {
                Fidelity::Bytes | Fidelity::Event => {
                    let number = row.name.strip_suffix(".ics").and_then(|uid| self.calendar.number_of(uid));
                    let number = number.ok_or_else(|| format!("{} is not expected", row.name))?;
                    events.insert(number);
                    number
                }
                Fidelity::Renamed | Fidelity::Withheld => 0,
            };
            if element(row.text, "getetag").is_none_or(str::is_empty) {
                return Err(format!("{} has no tag", row.name));
            }
            if self.texts == Texts::Present {
                let data = element(row.text, "calendar-data").ok_or_else(|| format!("{} has no text", row.name))?;
                event(&self.calendar, number, self.fidelity, &unescaped(data))?;
            }
        }
        let expected = self.events.as_ref().map_or(self.calendar.count() as usize, Vec::len);
        if names.len() != expected || others != self.others {
            return Err(format!("{} events and {others} other rows, expected {expected} and {}", names.len(), self.others));
        }
        if let (Some(wanted), Fidelity::Bytes | Fidelity::Event) = (&self.events, self.fidelity)
            && !events.iter().eq(wanted)
        {
            return Err("other events than expected".to_owned());
        }
        Ok(())
    }
}

/// A row of a multistatus: the last segment of its address, and all of it.
struct Row<'a> {
    name: &'a str,
    text: &'a str,
}

/// The rows, whatever prefixes a server takes.
fn rows(text: &str) -> impl Iterator<Item = Row<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.find("response>")?;
        let after = rest.get(end + 9..)?;
        let close = after.find("response>")?;
        let row = after.get(..close)?;
        rest = after.get(close + 9..)?;
        let href = element(row, "href").unwrap_or_default();
        Some(Row { name: href.rsplit('/').next().unwrap_or_default(), text: row })
    })
}

/// Last segments of the addresses of events.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    rows(text).map(|row| row.name).filter(|name| !name.is_empty())
}

/// The address in the first property of a local name.
pub(crate) fn address_in(text: &str, property: &str) -> Option<String> {
    let inner = element(text, property)?;
    inner.rsplit('>').next().map(|address| address.trim().to_owned()).filter(|address| !address.is_empty())
}

/// What stands in the first element of a local name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(name)?;
        let is_tag = text.get(..at)?.ends_with(['<', ':']) && !text.get(..at)?.ends_with("</");
        let after = text.get(at + name.len()..)?;
        if is_tag && after.starts_with(['>', ' ']) {
            let inner = after.get(after.find('>')? + 1..)?;
            return inner.get(..inner.find("</")?);
        }
        from = at + name.len();
    }
}

fn unescaped(text: &str) -> String {
    let text = text.trim_start_matches("<![CDATA[").trim_end_matches("]]>");
    let text = text.replace("&#13;", "\r").replace("&#xD;", "\r").replace("&#xd;", "\r").replace("&#10;", "\n");
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

/// The token of a sync answer.
pub(crate) fn sync_token(text: &str) -> Option<String> {
    let before = text.get(..text.rfind("sync-token>")?)?;
    let value = before.get(..before.rfind("</")?)?;
    Some(unescaped(value.get(value.rfind('>')? + 1..)?))
}

/// Whether the periods of a VFREEBUSY cover so many seconds of the window.
fn busy(window: Window, expected: i64, text: &str) -> Result<(), String> {
    let unfolded = text.replace("\r\n ", "").replace("\n ", "");
    let mut periods = Vec::new();
    for line in unfolded.lines().filter(|line| line.starts_with("FREEBUSY")) {
        if line.contains("FBTYPE=FREE:") {
            continue;
        }
        for period in line.rsplit_once(':').map(|(_, value)| value).unwrap_or_default().split(',') {
            let (start, end) = period.split_once('/').ok_or_else(|| format!("no period: {period}"))?;
            let start = second(start)?;
            let end = if end.starts_with('P') { start + duration(end)? } else { second(end)? };
            periods.push((start.max(window.start), end.min(window.end)));
        }
    }
    let found = covered(periods);
    if found == expected { Ok(()) } else { Err(format!("busy for {found} seconds, expected {expected}")) }
}

fn second(text: &str) -> Result<i64, String> {
    let parsed = NaiveDateTime::parse_from_str(text.trim(), "%Y%m%dT%H%M%SZ");
    parsed.map(|time| time.and_utc().timestamp()).map_err(|_| format!("no time: {text}"))
}

fn duration(text: &str) -> Result<i64, String> {
    let (mut sum, mut number) = (0, 0);
    for letter in text.trim().chars() {
        match letter {
            'P' | 'T' => {}
            '0'..='9' => number = number * 10 + i64::from(letter.to_digit(10).unwrap_or_default()),
            _ => {
                let unit = [('W', 604_800), ('D', 86_400), ('H', 3_600), ('M', 60), ('S', 1)].into_iter().find(|(name, _)| *name == letter);
                sum += number * unit.ok_or_else(|| format!("no duration: {text}"))?.1;
                number = 0;
            }
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(calendar: &Calendar, events: &[u32]) -> String {
        let row = |name: &str| format!("<x:response><x:href>/c/{name}</x:href><x:getetag>\"1\"</x:getetag></x:response>");
        let rows: String = events.iter().map(|&event| row(&format!("{}.ics", calendar.uid(event)))).collect();
        format!("<x:multistatus>{}{rows}<x:sync-token>data:,a&amp;b</x:sync-token></x:multistatus>", row(""))
    }

    fn verdict(calendar: &Calendar, events: Option<Vec<u32>>, text: &str) -> Result<(), String> {
        let rows = Rows { calendar: Rc::new(calendar.clone()), events, others: 1, texts: Texts::Absent, fidelity: Fidelity::Event };
        let step = Step::new(Vec::new(), &[207], Check::Rows(Rc::new(rows)));
        let answer = Answer { status: 207, head: String::new(), body: text.as_bytes() };
        // What was found right once is right again, and nothing else is.
        step.verify(&answer).and_then(|()| step.verify(&answer))
    }

    #[test]
    fn a_listing_is_right_with_all_its_rows_and_no_other() {
        let calendar = Calendar::new(1, 3);
        let all = listing(&calendar, &[0, 1, 2]);
        assert_eq!(verdict(&calendar, None, &all), Ok(()));
        assert_eq!(verdict(&calendar, Some(vec![0, 2]), &listing(&calendar, &[2, 0])), Ok(()));
        assert_eq!(sync_token(&all), Some("data:,a&b".to_owned()));
        for wrong in [listing(&calendar, &[0, 1]), listing(&calendar, &[0, 1, 1]), listing(&Calendar::new(1, 4), &[0, 1, 3])] {
            assert!(verdict(&calendar, None, &wrong).is_err(), "{wrong}");
        }
        assert!(verdict(&calendar, Some(vec![0, 2]), &listing(&calendar, &[0, 1])).is_err());
        assert!(verdict(&calendar, None, &all.replace("\"1\"", "")).is_err());
    }

    #[test]
    fn a_text_is_right_byte_for_byte_and_withheld_without_notes() {
        let calendar = Calendar::new(1, 3);
        let text = calendar.event(1).text;
        assert_eq!(event(&calendar, 1, Fidelity::Bytes, &text), Ok(()));
        assert!(event(&calendar, 2, Fidelity::Bytes, &text).is_err());
        assert!(event(&calendar, 1, Fidelity::Bytes, &text.replacen("SUMMARY:", "SUMMARY: ", 1)).is_err());
        assert!(event(&calendar, 1, Fidelity::Withheld, &text).is_err());
    }

    #[test]
    fn busy_periods_are_read_in_both_forms() {
        let window = Window { start: 0, end: 4_000_000_000 };
        let text =
            "FREEBUSY:20260105T100000Z/20260105T110000Z,20260105T10\r\n 3000Z/PT1H30M\r\nFREEBUSY;FBTYPE=FREE:20260106T100000Z/P1D\r\n";
        assert_eq!(busy(window, 7_200, text), Ok(()));
        assert!(busy(window, 7_100, text).is_err());
    }
}
