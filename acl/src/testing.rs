//! Generated calendar objects for tests: rich in everything that must not be shown, and known in everything that may be.
//!
//! An [`ObjectModel`] is a story of an object; [`ObjectModel::render`] writes it as some client would. Every text that is not
//! a time bears a word that tells where it stood: `canary-cN-…` in component N (0 is the master, an override has the number of
//! its slot from 1), `title-cN` as its title, `canary-v-…` on the calendar, `canary-z-…` in a zone's definition. Not for production: behind the feature `testing`.

use crate::access::{AccessMatrix, CalendarFacts, Cell, OwnerFacts, ViewerFacts, access};
use crate::level::{Grant, GrantPrivateEvents, Level, Visibility};
use crate::policy::{CalendarPolicy, Policy, Words};
use crate::principal::{CalendarId, Grantee, PrincipalId};
use crate::privacy::EventPrivacy;
use crate::project::ViewProfile;
use crate::pseudonym::DatabaseKey;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};
use ical::ComponentKind;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The address of the calendar's owner.
pub const OWNER_ADDRESS: &str = "alice@example.org";

/// The matrix a user has under one grant of `level` and the organisation's defaults.
pub fn matrix(level: Level, private_events: Option<GrantPrivateEvents>) -> AccessMatrix {
    let viewer = PrincipalId([2; 16]);
    let grants = [Grant { private_events, ..Grant::of_level(Grantee::User(viewer), level) }];
    let calendar_policy = CalendarPolicy::default();
    let groups = BTreeSet::new();
    let owner = OwnerFacts { id: PrincipalId([1; 16]), groups: &groups, roles: &[] };
    let calendar = CalendarFacts { owner, policy: &calendar_policy, grants: &grants, exceptions: &[], opened_until: None };
    access(&ViewerFacts::employee(viewer, &groups), &calendar, &Policy::default(), DateTime::UNIX_EPOCH).matrix
}

/// A profile with fixed ids and a fixed key.
pub fn profile(matrix: AccessMatrix) -> ViewProfile {
    ViewProfile {
        viewer: PrincipalId([2; 16]),
        calendar: CalendarId([3; 16]),
        matrix,
        words: Words::default(),
        owner_addresses: vec![OWNER_ADDRESS.to_owned()],
        participant_addresses: Vec::new(),
        key: DatabaseKey::new([7; 32]),
    }
}

/// In what form an object's times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// All-day.
    Date,
    /// Without zone.
    Floating,
    /// With a `Z`.
    Utc,
    /// In a zone named as the IANA names it.
    Berlin,
    /// In a zone named as Windows names it, with a definition of its own.
    WindowsBerlin,
    /// In a zone that is no IANA zone.
    Odd,
}

impl TimeForm {
    fn tzid(self) -> Option<&'static str> {
        match self {
            Self::Date | Self::Floating | Self::Utc => None,
            Self::Berlin => Some("Europe/Berlin"),
            Self::WindowsBerlin => Some("W. Europe Standard Time"),
            Self::Odd => Some("canary-z-headquarters"),
        }
    }
    fn definition(self) -> &'static str {
        match self {
            Self::Date | Self::Floating | Self::Utc => "",
            Self::Berlin | Self::WindowsBerlin => {
                "BEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nTZNAME:canary-z-name\nDTSTART:19700329T020000\n\
                 RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nBEGIN:STANDARD\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
                 DTSTART:19701025T030000\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n"
            }
            Self::Odd => "BEGIN:STANDARD\nTZOFFSETFROM:+0123\nTZOFFSETTO:+0123\nDTSTART:19700101T000000\nEND:STANDARD\n",
        }
    }
}

/// A recurrence: every `days`-th day.
#[derive(Clone, Debug)]
pub struct RuleModel {
    /// 1 to 14.
    pub days: i64,
    /// How it ends.
    pub end: RuleEnd,
}

/// How a rule ends.
#[derive(Clone, Copy, Debug)]
pub enum RuleEnd {
    /// Never.
    Endless,
    /// COUNT.
    Count(i64),
    /// UNTIL the slot of this index.
    Until(i64),
}

/// One component: the master or an override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentModel {
    /// CLASS.
    pub class: Option<&'static str>,
    /// STATUS.
    pub status: Option<&'static str>,
    /// TRANSP.
    pub transparency: Option<&'static str>,
    /// The owner is an attendee who declined.
    pub declined: bool,
    /// Has a SUMMARY.
    pub titled: bool,
    /// Minutes (for dates: as many days, at most three) from start to end.
    pub length: i64,
    /// The end is written as DURATION.
    pub by_duration: bool,
    /// Which of the properties that are nobody's business stand in it.
    pub secrets: Vec<usize>,
}

/// An override.
#[derive(Clone, Debug)]
pub struct OverrideModel {
    /// The index of the slot it replaces.
    pub slot: i64,
    /// Minutes (for dates: days) by which it is moved.
    pub moved: i64,
    /// It looks as the master does, but for its secrets.
    pub as_master: bool,
    /// It holds for this and future instances (RFC 5545 §3.2.13), in a series that ends.
    pub for_later: bool,
    /// Its own state.
    pub component: ComponentModel,
}

/// A whole object.
#[derive(Clone, Debug)]
pub struct ObjectModel {
    /// VEVENT, VTODO or VJOURNAL.
    pub kind: ComponentKind,
    /// Form of its times.
    pub form: TimeForm,
    /// Days after 2 November 2026 and minutes of that day.
    pub start: (i64, i64),
    /// RRULE; `None` for a single event.
    pub rule: Option<RuleModel>,
    /// RDATEs, as half slots: index and a half after the start.
    pub dates: Vec<i64>,
    /// EXDATEs: indices of slots (the odd ones of doubled indices name RDATEs).
    pub excluded: Vec<i64>,
    /// The master.
    pub master: ComponentModel,
    /// Overrides of different slots.
    pub overrides: Vec<OverrideModel>,
}

/// How a client writes: nothing of it may show in a reduced view.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// Turns the order of properties and components by so many places.
    pub rotation: usize,
    /// Folds lines after so many octets; 0: at 75.
    pub fold: usize,
    /// Writes property names in lower case.
    pub lower_case: bool,
    /// Ends lines with LF alone.
    pub line_feeds: bool,
    /// Stands in every secret word.
    pub salt: u32,
    /// Stands in every title.
    pub title_salt: u32,
}

/// Lines that no reduced view shows; `@` stands for a word.
const SECRETS: [&str; 33] = [
    "DESCRIPTION:@",
    "LOCATION;ALTREP=\"http://example.org/@\":@",
    "ORGANIZER;CN=@:mailto:@@example.org",
    "ATTENDEE;CN=\"@, @\";PARTSTAT=ACCEPTED:mailto:guest@example.org",
    "ATTENDEE;PARTSTAT=DECLINED:mailto:@@example.org",
    "CONTACT:@",
    "COMMENT:@",
    "CATEGORIES:@,@",
    "RESOURCES:@",
    "GEO:52.5;13.4\nX-GEO:@",
    "URL:https://example.org/@",
    "ATTACH:https://example.org/@",
    "RELATED-TO:@",
    "COLOR:@",
    "CONFERENCE;VALUE=URI;LABEL=@:https://example.org/@",
    "IMAGE;VALUE=URI:https://example.org/@",
    "STYLED-DESCRIPTION;VALUE=TEXT:@",
    "STRUCTURED-DATA;VALUE=TEXT:@",
    "LINK;VALUE=URI;LINKREL=@:https://example.org/@",
    "CONCEPT:https://example.org/@",
    "REFID:@",
    "REQUEST-STATUS:2.0;@",
    "X-ALT-DESC;FMTTYPE=text/html:@",
    "X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=@:geo:1,2",
    "X-GOOGLE-CONFERENCE:@",
    "X-@:1",
    "FUTURE-PROPERTY;FUTURE-PARAMETER=@:@",
    "PRIORITY:1\nX-PRIORITY:@",
    "BEGIN:VALARM\nACTION:EMAIL\nTRIGGER:-PT15M\nSUMMARY:@\nDESCRIPTION:@\nATTENDEE:mailto:@@example.org\nEND:VALARM",
    "BEGIN:PARTICIPANT\nUID:@\nPARTICIPANT-TYPE:ACTIVE\nBEGIN:VLOCATION\nUID:@\nNAME:@\nEND:VLOCATION\nEND:PARTICIPANT",
    "BEGIN:X-@\nX-DEEP:@\nEND:X-@",
    "CREATED:20261030T121314Z\nX-CREATED:@",
    "SEQUENCE:9\nX-SEQUENCE:@",
];

/// How many secrets a component can have: their numbers are below this.
pub const SECRETS_MAX: usize = SECRETS.len();

impl ObjectModel {
    /// The components in stored order: the master, then the overrides.
    pub fn components(&self) -> Vec<ComponentModel> {
        let overrides = self.overrides.iter().map(|o| if o.as_master { self.looking_like_master(o) } else { o.component.clone() });
        std::iter::once(self.master.clone()).chain(overrides).collect()
    }

    fn looking_like_master(&self, o: &OverrideModel) -> ComponentModel {
        ComponentModel { secrets: o.component.secrets.clone(), by_duration: o.component.by_duration, ..self.master.clone() }
    }

    /// The numbers in the words of the components, in stored order.
    pub fn numbers(&self) -> Vec<i64> {
        std::iter::once(0).chain(self.overrides.iter().map(|o| o.slot + 1)).collect()
    }

    /// The wall-clock time of a slot.
    pub fn slot(&self, index: i64) -> NaiveDateTime {
        let days = self.rule.as_ref().map_or(1, |rule| rule.days);
        self.start_time() + TimeDelta::days(index * days)
    }

    /// RDATEs lie half a day (for dates and daily rules: outside of the rule's days) after a slot.
    fn date_slot(&self, index: i64) -> NaiveDateTime {
        match self.form {
            TimeForm::Date => self.start_time() - TimeDelta::days(index + 1),
            _ => self.slot(index) + TimeDelta::minutes(721),
        }
    }

    fn start_time(&self) -> NaiveDateTime {
        let minutes = if self.form == TimeForm::Date { 0 } else { self.start.1 };
        NaiveDate::from_ymd_opt(2026, 11, 2).unwrap_or_default().and_time(chrono::NaiveTime::MIN)
            + TimeDelta::days(self.start.0)
            + TimeDelta::minutes(minutes)
    }

    /// The object as a client writes it.
    pub fn render(&self, style: &Style) -> String {
        let mut components = vec![self.render_master(style)];
        components.extend(self.overrides.iter().map(|o| self.render_override(o, style)));
        rotate(&mut components, style.rotation);
        let salt = style.salt;
        let mut lines = vec![
            "VERSION:2.0".to_owned(),
            format!("PRODID:-//canary-v-{salt}//EN"),
            format!("X-WR-CALNAME:canary-v-name-{salt}"),
            format!("NAME;LANGUAGE=canary-v:canary-v-{salt}"),
        ];
        rotate(&mut lines, style.rotation);
        let mut zone = String::new();
        if let Some(tzid) = self.form.tzid() {
            let definition = self.form.definition();
            zone = format!("BEGIN:VTIMEZONE\nTZID:{tzid}\nCOMMENT:canary-z-{salt}\nX-URL:canary-z-{salt}\n{definition}END:VTIMEZONE\n");
        }
        let text = format!("BEGIN:VCALENDAR\n{}\n{zone}{}END:VCALENDAR\n", lines.join("\n"), components.concat());
        text.lines().map(|line| physical_line(line, style)).collect()
    }

    fn render_master(&self, style: &Style) -> String {
        let mut lines = Vec::new();
        if let Some(rule) = &self.rule {
            lines.push(self.render_rule(rule));
        }
        for index in &self.dates {
            lines.push(self.time("RDATE", self.date_slot(*index)));
        }
        for index in &self.excluded {
            let slot = if index % 2 == 0 { self.slot(index / 2) } else { self.date_slot(index / 2) };
            lines.push(self.time("EXDATE", slot));
        }
        self.render_titled(0, 0, &self.master, self.start_time(), lines, style)
    }

    fn render_rule(&self, rule: &RuleModel) -> String {
        let mut parts = vec!["FREQ=DAILY".to_owned(), format!("INTERVAL={}", rule.days), "WKST=MO".to_owned()];
        match rule.end {
            RuleEnd::Endless => {}
            RuleEnd::Count(count) => parts.push(format!("COUNT={count}")),
            RuleEnd::Until(index) => {
                let until = self.slot(index);
                parts.push(match self.form {
                    TimeForm::Date => until.format("UNTIL=%Y%m%d").to_string(),
                    TimeForm::Floating => until.format("UNTIL=%Y%m%dT%H%M%S").to_string(),
                    // Past the slot in every zone that occurs here, and before the next one.
                    _ => (until + TimeDelta::minutes(1)).format("UNTIL=%Y%m%dT%H%M%SZ").to_string(),
                });
            }
        }
        format!("RRULE:{}", parts.join(";"))
    }

    fn render_override(&self, o: &OverrideModel, style: &Style) -> String {
        let number = o.slot + 1;
        let moved = if self.form == TimeForm::Date { TimeDelta::days(o.moved % 3) } else { TimeDelta::minutes(o.moved) };
        let start = self.slot(o.slot) + if o.as_master { TimeDelta::zero() } else { moved };
        let component = if o.as_master { self.looking_like_master(o) } else { o.component.clone() };
        let name = if o.for_later { "RECURRENCE-ID;RANGE=THISANDFUTURE" } else { "RECURRENCE-ID" };
        let lines = vec![self.time(name, self.slot(o.slot))];
        let titled_as = if o.as_master { 0 } else { number };
        self.render_titled(number, titled_as, &component, start, lines, style)
    }

    fn render_titled(
        &self,
        number: i64,
        titled_as: i64,
        component: &ComponentModel,
        start: NaiveDateTime,
        mut lines: Vec<String>,
        style: &Style,
    ) -> String {
        lines.extend(["UID:canary-c-uid@example.org".to_owned(), format!("DTSTAMP:20261101T08{:02}10Z", style.salt % 60)]);
        lines.push(self.time("DTSTART", start));
        lines.extend(self.end_line(component, start));
        for (name, value) in [("CLASS", component.class), ("STATUS", component.status), ("TRANSP", component.transparency)] {
            lines.extend(value.map(|value| format!("{name}:{value}")));
        }
        if component.titled {
            lines.push(format!("SUMMARY;LANGUAGE=en;X-P=canary-c{number}-p{}:title-c{titled_as}-{}", style.salt, style.title_salt));
        }
        if component.declined {
            lines.push(format!("ATTENDEE;CN=canary-c{number}-me;PARTSTAT=DECLINED:mailto:{OWNER_ADDRESS}"));
        }
        for (place, secret) in component.secrets.iter().enumerate() {
            let word = format!("canary-c{number}-{place}-{}", style.salt);
            lines.extend(SECRETS.get(*secret).map(|secret| {
                secret.replace("@@", &format!("{word}@")).replace('@', &word).replace(&format!("{word}example"), "@example")
            }));
        }
        rotate(&mut lines, style.rotation);
        // Properties stand before sub-components.
        lines.sort_by_key(|line| line.starts_with("BEGIN:"));
        format!("BEGIN:{0}\n{1}\nEND:{0}\n", self.kind.name(), lines.join("\n"))
    }

    fn end_line(&self, component: &ComponentModel, start: NaiveDateTime) -> Option<String> {
        let name = match self.kind {
            ComponentKind::Event => "DTEND",
            ComponentKind::ToDo => "DUE",
            _ => return None,
        };
        let length = if self.form == TimeForm::Date { component.length % 3 + 1 } else { component.length };
        Some(match (component.by_duration, self.form) {
            (true, TimeForm::Date) => format!("DURATION:P{length}D"),
            (true, _) => format!("DURATION:PT{length}M"),
            (false, TimeForm::Date) => self.time(name, start + TimeDelta::days(length)),
            (false, _) => self.time(name, start + TimeDelta::minutes(length)),
        })
    }

    fn time(&self, name: &str, time: NaiveDateTime) -> String {
        match (self.form, self.form.tzid()) {
            (_, Some(tzid)) => format!("{name};X-P=canary-t;TZID={tzid}:{}", time.format("%Y%m%dT%H%M%S")),
            (TimeForm::Date, _) => format!("{name};VALUE=DATE:{}", time.format("%Y%m%d")),
            (TimeForm::Utc, _) => format!("{name};VALUE=DATE-TIME:{}", time.format("%Y%m%dT%H%M%SZ")),
            _ => format!("{name}:{}", time.format("%Y%m%dT%H%M%S")),
        }
    }
}

/// What the rules say is shown of each component, told from the model alone. `CLASS:PUBLIC` counts as widened: its cell of
/// the matrix decides.
pub fn expected(model: &ObjectModel, matrix: &AccessMatrix) -> Vec<Visibility> {
    let components = model.components();
    let master_class = components.first().and_then(|master| master.class);
    let cells: Vec<Cell> = components.iter().map(|c| matrix.cell_of(privacy_of(c.class.or(master_class)), model.kind)).collect();
    let mut shown: Vec<Visibility> =
        components.iter().zip(&cells).enumerate().map(|(i, (c, cell))| listed(model, i, c, cell.visibility)).collect();
    if cells.iter().any(|cell| cell.visibility == Visibility::Full && (cell.edit || cell.delete)) {
        shown.iter_mut().filter(|v| **v == Visibility::Hidden).for_each(|v| *v = Visibility::FreeBusy);
    }
    shown
}

fn privacy_of(class: Option<&str>) -> EventPrivacy {
    match class.map(str::to_uppercase).as_deref() {
        Some("PRIVATE") => EventPrivacy::Private,
        Some("CONFIDENTIAL") => EventPrivacy::Confidential,
        Some("PUBLIC") => EventPrivacy::Public,
        _ => EventPrivacy::Standard,
    }
}

fn listed(model: &ObjectModel, index: usize, component: &ComponentModel, visibility: Visibility) -> Visibility {
    let is_series = index == 0 && (model.rule.is_some() || !model.dates.is_empty());
    let gone = component.declined || component.status == Some("CANCELLED");
    let takes_time = component.transparency != Some("TRANSPARENT") && (component.length > 0 || model.form == TimeForm::Date);
    let is_listed = match (visibility, model.kind) {
        (Visibility::Hidden, _) => false,
        (Visibility::FreeBusy, kind) => kind == ComponentKind::Event && !gone && takes_time,
        (Visibility::Title, ComponentKind::Journal) => !gone && !is_series,
        (Visibility::Title, _) => !gone,
        (Visibility::Full, _) => true,
    };
    if is_listed { visibility } else { Visibility::Hidden }
}

fn rotate<T>(items: &mut [T], places: usize) {
    if let Some(places) = places.checked_rem(items.len()) {
        items.rotate_left(places);
    }
}

/// One content line, folded, with its end.
fn physical_line(line: &str, style: &Style) -> String {
    let end = if style.line_feeds { "\n" } else { "\r\n" };
    let width = if style.fold == 0 { 75 } else { style.fold.max(4) };
    let name_end = line.find([':', ';']).unwrap_or(0);
    let mut out = String::with_capacity(line.len() + 8);
    for (at, character) in line.chars().enumerate() {
        if at > 0 && at % width == 0 {
            // Writing to a String cannot fail.
            let _ = write!(out, "{end} ");
        }
        out.push(if style.lower_case && at < name_end { character.to_ascii_lowercase() } else { character });
    }
    out.push_str(end);
    out
}

/// Every shape of component.
pub fn component() -> impl Strategy<Value = ComponentModel> {
    let class = prop::sample::select(vec![None, None, Some("PUBLIC"), Some("PRIVATE"), Some("CONFIDENTIAL"), Some("private")]);
    let status = prop::sample::select(vec![None, None, None, Some("TENTATIVE"), Some("CONFIRMED"), Some("CANCELLED")]);
    let transparency = prop::sample::select(vec![None, None, Some("OPAQUE"), Some("TRANSPARENT")]);
    let length = prop_oneof![6 => 1..600_i64, 1 => Just(0_i64)];
    let secrets = vec(0..SECRETS.len(), 0..6);
    let declined = prop::bool::weighted(0.1);
    let titled = prop::bool::weighted(0.9);
    (class, status, transparency, declined, titled, length, any::<bool>(), secrets).prop_map(|parts| {
        let (class, status, transparency, declined, titled, length, by_duration, secrets) = parts;
        ComponentModel { class, status, transparency, declined, titled, length, by_duration, secrets }
    })
}

/// Every shape of object: single and recurring events, to-dos and journals in every form of time, with overrides of every privacy.
pub fn object() -> impl Strategy<Value = ObjectModel> {
    let form = prop::sample::select(vec![
        TimeForm::Date,
        TimeForm::Floating,
        TimeForm::Utc,
        TimeForm::Berlin,
        TimeForm::Berlin,
        TimeForm::WindowsBerlin,
        TimeForm::Odd,
    ]);
    let end = prop_oneof![Just(RuleEnd::Endless), (1..9_i64).prop_map(RuleEnd::Count), (0..9_i64).prop_map(RuleEnd::Until)];
    let rule = option::weighted(0.75, (1..14_i64, end).prop_map(|(days, end)| RuleModel { days, end }));
    let one_override = (0..8_i64, -2000..2000_i64, prop::bool::weighted(0.25), component())
        .prop_map(|(slot, moved, as_master, component)| OverrideModel { slot, moved, as_master, for_later: moved % 3 == 0, component });
    let kind = prop_oneof![8 => Just(ComponentKind::Event), 2 => Just(ComponentKind::ToDo), 1 => Just(ComponentKind::Journal)];
    let dates = vec(0..4_i64, 0..3);
    let excluded = vec(0..14_i64, 0..4);
    (kind, form, (0..200_i64, 0..1440_i64), rule, dates, excluded, component(), vec(one_override, 0..4)).prop_map(
        |(kind, form, start, rule, dates, excluded, master, overrides)| {
            let mut seen = BTreeSet::new();
            let mut overrides = overrides.into_iter().filter(|o| seen.insert(o.slot)).collect::<Vec<_>>();
            if rule.as_ref().is_some_and(|rule| matches!(rule.end, RuleEnd::Endless)) {
                overrides.iter_mut().for_each(|o| o.for_later = false);
            }
            match rule {
                // Without a rule: mostly a single event, else a series given by RDATE, or overrides of it that hit nothing.
                None if start.0 % 2 == 0 => {
                    ObjectModel { kind, form, start, rule, dates: Vec::new(), excluded: Vec::new(), master, overrides: Vec::new() }
                }
                rule => ObjectModel { kind, form, start, rule, dates, excluded, master, overrides },
            }
        },
    )
}

/// Every way to write.
pub fn style() -> impl Strategy<Value = Style> {
    (0..40_usize, prop_oneof![Just(0), 20..200_usize], any::<bool>(), any::<bool>(), 0..1000_u32, 0..1000_u32).prop_map(
        |(rotation, fold, lower_case, line_feeds, salt, title_salt)| Style { rotation, fold, lower_case, line_feeds, salt, title_salt },
    )
}
