//! Calendars as people have them, from a seed, and what a right server has to answer about them.
//!
//! Every twentieth event is a series, one in twelve lasts whole days, one in twenty is private. The times of all instances are
//! worked out here, by rules of this file alone, so that a server's answer can be compared with something that it has no part in.

use crate::window::Window;
use bench::chance::Chance;
use chrono::{Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime};

/// Instances are worked out before this year; no window of a workload reaches so far.
const YEAR_END: i32 = 2030;
/// Of one series; 300 weeks is more than any of ours has.
const INSTANCES_MAX: usize = 400;

const WORDS: &str = "project review budget planning team sync call customer design draft release notes quarter report travel dentist \
                     school parents meeting lunch workshop interview training Müller Zürich café naïve agenda minutes please bring the \
                     updated slides and check open points before we start room link dial in code follow up next steps owner deadline \
                     contract invoice vendor security audit backup server garden birthday concert tickets";

const BERLIN: &str = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:CEST\n\
                      DTSTART:19700329T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nBEGIN:STANDARD\n\
                      TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nTZNAME:CET\nDTSTART:19701025T030000\n\
                      RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nEND:VTIMEZONE";
const NEW_YORK: &str = "BEGIN:VTIMEZONE\nTZID:America/New_York\nBEGIN:DAYLIGHT\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nTZNAME:EDT\n\
                        DTSTART:20070311T020000\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU\nEND:DAYLIGHT\nBEGIN:STANDARD\n\
                        TZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nTZNAME:EST\nDTSTART:20071104T020000\n\
                        RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU\nEND:STANDARD\nEND:VTIMEZONE";

/// Where an event takes place, as far as clocks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Berlin,
    NewYork,
    Utc,
    /// Whole days, which are nowhere.
    Days,
}

impl Place {
    /// The offset of an hour of the day, as all events are; the clocks change in the night.
    fn utc(self, local: NaiveDateTime) -> NaiveDateTime {
        let summer = |from: (u32, i8), to: (u32, i8)| {
            let day = local.date();
            sunday(day.year(), from) <= Some(day) && Some(day) < sunday(day.year(), to)
        };
        let hours = match self {
            Self::Berlin => 1 + i64::from(summer((3, -1), (10, -1))),
            Self::NewYork => -5 + i64::from(summer((3, 2), (11, 1))),
            Self::Utc | Self::Days => 0,
        };
        local - Duration::hours(hours)
    }

    fn definition(self) -> Option<&'static str> {
        match self {
            Self::Berlin => Some(BERLIN),
            Self::NewYork => Some(NEW_YORK),
            Self::Utc | Self::Days => None,
        }
    }

    fn property(self, name: &str, local: NaiveDateTime) -> String {
        match self {
            Self::Berlin => format!("{name};TZID=Europe/Berlin:{}", local.format("%Y%m%dT%H%M%S")),
            Self::NewYork => format!("{name};TZID=America/New_York:{}", local.format("%Y%m%dT%H%M%S")),
            Self::Utc => format!("{name}:{}", local.format("%Y%m%dT%H%M%SZ")),
            Self::Days => format!("{name};VALUE=DATE:{}", local.format("%Y%m%d")),
        }
    }
}

/// The so-manieth Sunday of a month, counted from its end if negative.
fn sunday(year: i32, (month, nth): (u32, i8)) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, month, 1)?;
    if nth > 0 {
        let to_sunday = (7 - u64::from(first.weekday().num_days_from_sunday())) % 7;
        return first.checked_add_days(Days::new(to_sunday + 7 * (u64::from(nth.unsigned_abs()) - 1)));
    }
    let last = first.checked_add_months(Months::new(1))?.pred_opt()?;
    last.checked_sub_days(Days::new(u64::from(last.weekday().num_days_from_sunday())))
}

/// A time in which an event takes place, in seconds of UTC; what is free counts for queries and not for free/busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) event: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) is_busy: bool,
}

/// One event, or a series of them, as a client would put it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) uid: String,
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
}

impl Event {
    fn takes_time(&self) -> bool {
        self.spans.iter().all(|span| span.is_busy)
    }
    fn is_private(&self) -> bool {
        self.text.contains("\r\nCLASS:PRIVATE\r\n")
    }
}

/// Events that follow from a seed: any of them is made when it is asked for, so that a million of them need no memory.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    seed: u64,
    /// Where it stands, which the UIDs follow from too: servers may take a UID in one calendar of a home only.
    place: String,
    /// Which of the seed's events these are; all up to `count` where nothing stands.
    chosen: Option<Vec<u32>>,
    count: u32,
}

impl Calendar {
    /// The first events of a seed.
    pub(crate) fn new(seed: u64, count: u32) -> Self {
        Self { seed, place: String::new(), chosen: None, count }
    }

    /// The same events at some place, with UIDs of their own.
    pub(crate) fn placed(self, place: &str) -> Self {
        Self { place: place.to_owned(), ..self }
    }

    /// So many events, among them all that a window meets and then others: what is asked of that window has one answer, in a
    /// small calendar and in the large one that it was taken from.
    pub(crate) fn around(&self, window: Window, count: u32) -> Self {
        let mut chosen: Vec<u32> = Vec::new();
        let mut others = Vec::new();
        for number in self.numbers() {
            let is_met = self.event(number).spans.iter().any(|span| window.meets(span));
            if is_met {
                chosen.push(number);
            } else if others.len() < count as usize {
                others.push(number);
            }
        }
        let missing = (count as usize).saturating_sub(chosen.len());
        chosen.extend(others.into_iter().take(missing));
        chosen.sort_unstable();
        self.with(chosen)
    }

    /// The events that take up time, which are all that whoever sees no more than that is shown.
    pub(crate) fn busy(&self) -> Self {
        self.only(Event::takes_time)
    }

    /// The events that others are shown who see more than that: of a private one no more than the time that it takes.
    pub(crate) fn opened(&self) -> Self {
        self.only(|event| event.takes_time() || !event.is_private())
    }

    fn only(&self, is_shown: impl Fn(&Event) -> bool) -> Self {
        let chosen: Vec<u32> = self.numbers().filter(|number| is_shown(&self.event(*number))).collect();
        self.with(chosen)
    }

    fn with(&self, chosen: Vec<u32>) -> Self {
        let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
        Self { seed: self.seed, place: self.place.clone(), chosen: Some(chosen), count }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The numbers of its events.
    pub(crate) fn numbers(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match &self.chosen {
            Some(chosen) => Box::new(chosen.iter().copied()),
            None => Box::new(0..self.count),
        }
    }

    /// The event at a position, wrapping around.
    pub(crate) fn number_at(&self, position: u64) -> u32 {
        let position = u32::try_from(position % u64::from(self.count.max(1))).unwrap_or_default();
        match &self.chosen {
            Some(chosen) => chosen.get(position as usize).copied().unwrap_or_default(),
            None => position,
        }
    }

    /// The UID of an event, which is also what its resource is called, before `.ics`.
    pub(crate) fn uid(&self, number: u32) -> String {
        let mut chance = Chance::new(self.seed, &format!("uid {} {number}", self.place));
        let (high, low) = (chance.number(), chance.number());
        format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{number:012x}", high >> 32, high & 0xffff, low >> 52, low & 0xfff)
    }

    /// Whether that is an event of this calendar, and which.
    pub(crate) fn number_of(&self, uid: &str) -> Option<u32> {
        let number = u32::from_str_radix(uid.rsplit('-').next()?, 16).ok()?;
        let is_ours = match &self.chosen {
            Some(chosen) => chosen.binary_search(&number).is_ok(),
            None => number < self.count,
        };
        (is_ours && self.uid(number) == uid).then_some(number)
    }

    /// Makes one event.
    pub(crate) fn event(&self, number: u32) -> Event {
        Writer::new(self, number).event()
    }

    /// Every time of every event, by their ends' order of events.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.numbers().flat_map(|number| self.event(number).spans).collect()
    }
}

/// What is made up of one event.
struct Writer {
    chance: Chance,
    number: u32,
    uid: String,
    place: Place,
    minutes: i64,
}

impl Writer {
    fn new(calendar: &Calendar, number: u32) -> Self {
        let mut chance = Chance::new(calendar.seed, &format!("event {number}"));
        let place = match (chance.below(60), number % 20 == 7) {
            (0..36, _) | (48.., true) => Place::Berlin,
            (36..48, _) => Place::NewYork,
            (48..55, _) => Place::Utc,
            (55.., _) => Place::Days,
        };
        let minutes = [15, 30, 45, 60, 60, 90, 120].get(chance.below(7) as usize).copied().unwrap_or(60);
        Self { chance, number, uid: calendar.uid(number), place, minutes }
    }

    fn event(mut self) -> Event {
        let is_series = self.number % 20 == 7;
        let base = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
        let days = self.chance.below(if is_series { 3 * 365 } else { 5 * 365 - 10 });
        let mut day = base + Days::new(days);
        if self.place == Place::Days {
            // From Tuesday to Thursday: no window begins or ends there, wherever a server takes a day to be.
            day = day - Days::new(u64::from(day.weekday().num_days_from_monday())) + Days::new(1 + self.chance.below(3));
        }
        let hour = u32::try_from(8 + self.chance.below(9)).unwrap_or(8);
        let minute = u32::try_from(15 * self.chance.below(4)).unwrap_or(0);
        let start = day.and_time(NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default());
        let summary = self.text(10, 50);
        let body = self.body();
        let mut lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//shoji//bench//EN", "CALSCALE:GREGORIAN"].map(str::to_owned).to_vec();
        lines.extend(self.place.definition().unwrap_or_default().lines().map(str::to_owned));
        let spans =
            if is_series { self.series(start, &summary, &body, &mut lines) } else { self.single(start, &summary, &body, &mut lines) };
        lines.push("END:VCALENDAR".to_owned());
        Event { text: lines.iter().flat_map(|line| [fold(line), "\r\n".to_owned()]).collect(), uid: self.uid, spans }
    }

    fn single(&self, start: NaiveDateTime, summary: &str, body: &[String], lines: &mut Vec<String>) -> Vec<Span> {
        self.component(start, &[], summary, body, lines);
        vec![self.span(start)]
    }

    fn series(&mut self, start: NaiveDateTime, summary: &str, body: &[String], lines: &mut Vec<String>) -> Vec<Span> {
        let (rule, mut instances) = self.rule(start);
        let mut excluded = Vec::new();
        if instances.len() > 3 {
            for _ in 0..self.chance.below(4).min(instances.len() as u64 - 2) {
                excluded.push(instances.remove(self.chance.below(instances.len() as u64) as usize));
            }
        }
        let mut extra = vec![format!("RRULE:{rule}")];
        extra.extend(excluded.iter().map(|&instance| self.place.property("EXDATE", instance)));
        self.component(start, &extra, summary, body, lines);
        let moved = (instances.len() > 2 && self.chance.percent(50)).then(|| self.chance.below(instances.len() as u64) as usize);
        if let Some(instance) = moved.and_then(|moved| instances.get_mut(moved)) {
            let id = self.place.property("RECURRENCE-ID", *instance);
            *instance += Duration::days(1) + Duration::minutes(30);
            self.component(*instance, &[id], &format!("{summary} (moved)"), body, lines);
        }
        instances.iter().map(|&instance| self.span(instance)).collect()
    }

    /// A rule, and the instances it has.
    fn rule(&mut self, start: NaiveDateTime) -> (String, Vec<NaiveDateTime>) {
        let (mut rule, weeks) = match self.chance.below(100) {
            0..56 => (format!("FREQ=WEEKLY;BYDAY={}", weekday(start)), Some(1)),
            56..70 => (format!("FREQ=WEEKLY;INTERVAL=2;BYDAY={}", weekday(start)), Some(2)),
            _ => (format!("FREQ=MONTHLY;BYMONTHDAY={}", start.day()), None),
        };
        let (mut count, mut until) = (INSTANCES_MAX, NaiveDate::from_ymd_opt(YEAR_END, 1, 1).unwrap_or_default());
        match self.chance.below(10) {
            0..3 => {
                count = 5 + self.chance.below(55) as usize;
                rule.push_str(&format!(";COUNT={count}"));
            }
            3..6 => {
                until = start.date() + Days::new(60 + self.chance.below(640));
                // The last second before that day in UTC, when it is night in both places and there is no event.
                rule.push_str(&format!(";UNTIL={}", (until.and_time(NaiveTime::MIN) - Duration::seconds(1)).format("%Y%m%dT%H%M%SZ")));
            }
            _ => {}
        }
        let nth = |n: u32| match weeks {
            Some(weeks) => Some(start + Duration::weeks(weeks * i64::from(n))),
            // Months that lack the day are left out (RFC 5545 §3.3.10).
            None => start.checked_add_months(Months::new(n)).filter(|instance| instance.day() == start.day()),
        };
        let instances = (0..).map_while(|n| (n < INSTANCES_MAX as u32).then(|| nth(n))).flatten();
        (rule, instances.take_while(|instance| instance.date() < until).take(count).collect())
    }

    fn span(&self, start: NaiveDateTime) -> Span {
        let (start, length) = match self.place {
            Place::Days => (start.date().and_time(NaiveTime::MIN), Duration::days(1)),
            _ => (self.place.utc(start), Duration::minutes(self.minutes)),
        };
        let start = start.and_utc().timestamp();
        Span { event: self.number, start, end: start + length.num_seconds(), is_busy: self.place != Place::Days }
    }

    fn component(&self, start: NaiveDateTime, extra: &[String], summary: &str, body: &[String], lines: &mut Vec<String>) {
        let end = if self.place == Place::Days { start + Duration::days(1) } else { start + Duration::minutes(self.minutes) };
        lines.extend(["BEGIN:VEVENT".to_owned(), format!("UID:{}", self.uid)]);
        lines.extend(["DTSTAMP:20260101T000000Z", "CREATED:20251201T120000Z", "LAST-MODIFIED:20260101T000000Z"].map(str::to_owned));
        lines.extend([self.place.property("DTSTART", start), self.place.property("DTEND", end)]);
        lines.extend_from_slice(extra);
        lines.push(format!("SUMMARY:{summary}"));
        lines.extend_from_slice(body);
        lines.push("END:VEVENT".to_owned());
    }

    /// What all components of an event have alike.
    fn body(&mut self) -> Vec<String> {
        let mut lines = vec![format!("LOCATION:{}", self.text(6, 40)), format!("DESCRIPTION:{}", self.text(200, 2000))];
        lines.push(format!("TRANSP:{}", if self.place == Place::Days { "TRANSPARENT" } else { "OPAQUE" }));
        lines.extend(["STATUS:CONFIRMED", "SEQUENCE:0"].map(str::to_owned));
        if self.chance.percent(5) {
            lines.push("CLASS:PRIVATE".to_owned());
        }
        let guests = self.chance.below(11);
        if guests > 0 {
            lines.push(format!("ORGANIZER;CN=Org:mailto:org{}@example.org", self.chance.below(50)));
        }
        let first = self.chance.below(500);
        for guest in 0..guests {
            let state = ["NEEDS-ACTION", "ACCEPTED", "TENTATIVE", "DECLINED"].get(self.chance.below(4) as usize).copied();
            let (person, state) = ((first + 37 * guest) % 500, state.unwrap_or("ACCEPTED"));
            lines.push(format!(
                "ATTENDEE;CN=Person {person};ROLE=REQ-PARTICIPANT;PARTSTAT={state};RSVP=TRUE:mailto:person{person}@example.org"
            ));
        }
        if self.chance.percent(50) {
            let alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Reminder", "TRIGGER:-PT15M", "END:VALARM"];
            lines.extend(alarm.map(str::to_owned));
        }
        lines
    }

    /// Words, between so many and so many letters of them.
    fn text(&mut self, least: u64, most: u64) -> String {
        let letters = (least + self.chance.below(most - least)) as usize;
        let words: Vec<&str> = WORDS.split(' ').filter(|word| !word.is_empty()).collect();
        let mut text = String::new();
        while text.chars().count() < letters {
            if !text.is_empty() {
                text.push_str(match self.chance.below(100) {
                    0..3 => "\\n",
                    3..8 => "\\, ",
                    _ => " ",
                });
            }
            text.push_str(words.get(self.chance.below(words.len() as u64) as usize).copied().unwrap_or_default());
        }
        text
    }
}

fn weekday(time: NaiveDateTime) -> &'static str {
    ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].get(time.weekday().num_days_from_monday() as usize).copied().unwrap_or_default()
}

/// Lines of 75 octets at most (RFC 5545 §3.1), letters whole.
fn fold(line: &str) -> String {
    let mut folded = String::with_capacity(line.len() + line.len() / 30);
    let mut octets = 0;
    for letter in line.chars() {
        if octets + letter.len_utf8() > 75 {
            folded.push_str("\r\n ");
            octets = 1;
        }
        octets += letter.len_utf8();
        folded.push(letter);
    }
    folded
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn at(text: &str) -> i64 {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp()
    }

    #[test]
    fn clocks_change_on_the_right_sundays() {
        let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day);
        assert_eq!([sunday(2026, (3, -1)), sunday(2026, (10, -1))], [day(3, 29), day(10, 25)]);
        assert_eq!([sunday(2026, (3, 2)), sunday(2026, (11, 1))], [day(3, 8), day(11, 1)]);
        let noon = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap().and_hms_opt(12, 0, 0).unwrap();
        let utc = |place: Place, local| place.utc(local).and_utc().timestamp();
        assert_eq!(utc(Place::Berlin, noon(3, 28)), at("2026-03-28 11:00"));
        assert_eq!(utc(Place::Berlin, noon(3, 29)), at("2026-03-29 10:00"));
        assert_eq!(utc(Place::NewYork, noon(11, 1)), at("2026-11-01 17:00"));
    }

    #[test]
    fn an_event_is_the_same_whenever_it_is_made_and_known_by_its_uid() {
        let calendar = Calendar::new(7, 300);
        for number in calendar.numbers() {
            let event = calendar.event(number);
            assert_eq!(event, calendar.event(number));
            assert_eq!(calendar.number_of(&event.uid), Some(number));
            assert!(event.text.split("\r\n").all(|line| line.len() <= 75), "{}", event.text);
        }
        assert_eq!(calendar.number_of(&Calendar::new(8, 300).uid(3)), None);
        assert_eq!(calendar.number_of(&Calendar::new(7, 400).uid(300)), None);
    }

    #[test]
    fn a_small_calendar_answers_its_window_as_the_large_one_does() {
        let large = Calendar::new(1, 2_000);
        let week = *Window::weeks().get(20).unwrap();
        let small = large.around(week, 300);
        assert_eq!(small.count(), 300);
        assert_eq!(week.events(&small.spans()), week.events(&large.spans()));
        assert!(week.events(&small.spans()).len() > 20);
    }
}
