//! The inside of requests: filters, selections, lists of properties, bodies. Words to search for come from what is kept secret
//! in either world as much as from what was shown.

use super::knowledge::Knowledge;
use crate::harness::dice::Dice;
use acl::testing::{Style, object};

/// Words to search for.
pub struct Wording<'a> {
    known: &'a Knowledge,
}

impl<'a> Wording<'a> {
    pub fn of(known: &'a Knowledge) -> Self {
        Self { known }
    }
}

/// Attributes of a time range.
pub fn range(dice: &mut Dice) -> String {
    let start = chrono::NaiveDate::from_ymd_opt(2026, 10, 28).unwrap() + chrono::TimeDelta::days(dice.within(0, 220));
    let end = start + chrono::TimeDelta::days(dice.within(0, 60));
    let (start, end) = (start.format("%Y%m%dT"), end.format("%Y%m%dT"));
    format!(r#"start="{start}{:02}0000Z" end="{end}{:02}3000Z""#, dice.below(12), dice.below(12) + 12)
}

fn text_match(dice: &mut Dice, wording: &Wording<'_>) -> String {
    let word = match dice.below(3) {
        0 => (*dice.pick(&["Busy", "Private", "e", "canary", "title", "PRIVATE", "OPAQUE", "2026"])).to_owned(),
        1 => dice.pick(&wording.known.words).clone(),
        _ => {
            let word = dice.pick(&wording.known.words);
            word.chars().take(dice.below(12) + 1).collect()
        }
    };
    let collation = *dice.pick(&["i;ascii-casemap", "i;octet", "i;unicode-casemap"]);
    let negate = *dice.pick(&["no", "no", "yes"]);
    format!(r#"<C:text-match collation="{collation}" negate-condition="{negate}">{word}</C:text-match>"#)
}

const NAMES: &[&str] = &[
    "SUMMARY",
    "SUMMARY",
    "DESCRIPTION",
    "LOCATION",
    "UID",
    "CLASS",
    "STATUS",
    "TRANSP",
    "ATTENDEE",
    "ORGANIZER",
    "CATEGORIES",
    "RRULE",
    "EXDATE",
    "RDATE",
    "RECURRENCE-ID",
    "DTSTART",
    "DTEND",
    "DURATION",
    "DUE",
    "DTSTAMP",
    "CREATED",
    "SEQUENCE",
    "GEO",
    "X-GEO",
    "COMMENT",
    "X-ALT-DESC",
    "PRIORITY",
    "COLOR",
];

fn prop_filter(dice: &mut Dice, wording: &Wording<'_>) -> String {
    let name = *dice.pick(NAMES);
    let inside = match dice.below(7) {
        0 => "<C:is-not-defined/>".to_owned(),
        1 => String::new(),
        2 => format!("<C:time-range {}/>", range(dice)),
        3 => {
            let parameter = *dice.pick(&["TZID", "PARTSTAT", "CN", "X-P", "LANGUAGE", "VALUE", "ALTREP"]);
            let inside = match dice.below(3) {
                0 => String::new(),
                1 => "<C:is-not-defined/>".to_owned(),
                _ => text_match(dice, wording),
            };
            format!(r#"<C:param-filter name="{parameter}">{inside}</C:param-filter>"#)
        }
        _ => text_match(dice, wording),
    };
    format!(r#"<C:prop-filter name="{name}">{inside}</C:prop-filter>"#)
}

/// The inside of the comp-filter of VCALENDAR.
pub fn filter(dice: &mut Dice, wording: &Wording<'_>) -> String {
    if dice.chance(8) {
        return format!(
            r#"<C:prop-filter name="{}">{}</C:prop-filter>"#,
            dice.pick(&["PRODID", "X-WR-CALNAME", "NAME"]),
            text_match(dice, wording)
        );
    }
    let kind = *dice.pick(&["VEVENT", "VEVENT", "VEVENT", "VTODO", "VJOURNAL", "VTIMEZONE", "VFREEBUSY"]);
    if dice.chance(6) {
        return format!(r#"<C:comp-filter name="{kind}"><C:is-not-defined/></C:comp-filter>"#);
    }
    let within = if dice.chance(35) && kind != "VTIMEZONE" { format!("<C:time-range {}/>", range(dice)) } else { String::new() };
    let properties: String = (0..dice.below(3)).map(|_| prop_filter(dice, wording)).collect();
    let inner = match dice.below(8) {
        0 => r#"<C:comp-filter name="VALARM"/>"#.to_owned(),
        1 => r#"<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>"#.to_owned(),
        2 => format!(r#"<C:comp-filter name="VALARM"><C:time-range {}/></C:comp-filter>"#, range(dice)),
        3 => r#"<C:comp-filter name="PARTICIPANT"/>"#.to_owned(),
        _ => String::new(),
    };
    let inner = if kind == "VTIMEZONE" { String::new() } else { inner };
    format!(r#"<C:comp-filter name="{kind}">{within}{properties}{inner}</C:comp-filter>"#)
}

/// The inside of `calendar-data`.
pub fn selection(dice: &mut Dice) -> String {
    let mut out = String::new();
    match dice.below(5) {
        0 => {
            let props: String = (0..5)
                .map(|_| {
                    let novalue = *dice.pick(&["yes", "no"]);
                    format!(r#"<C:prop name="{}" novalue="{novalue}"/>"#, dice.pick(NAMES))
                })
                .collect();
            out.push_str(&format!(r#"<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VEVENT">{props}<C:allcomp/></C:comp><C:comp name="VTIMEZONE"/></C:comp>"#));
        }
        1 => out.push_str(r#"<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:allprop/><C:comp name="VALARM"/></C:comp></C:comp>"#),
        _ => {}
    }
    match dice.below(6) {
        0 => out.push_str(&format!("<C:expand {}/>", range(dice))),
        1 => out.push_str(&format!("<C:limit-recurrence-set {}/>", range(dice))),
        2 => out.push_str(&format!("<C:limit-freebusy-set {}/>", range(dice))),
        _ => {}
    }
    out
}

/// Elements of some properties.
pub fn property_list(dice: &mut Dice) -> String {
    const ALL: &[&str] = &[
        "D:resourcetype",
        "D:displayname",
        "D:getetag",
        "D:getcontentlength",
        "D:getcontenttype",
        "D:getlastmodified",
        "D:creationdate",
        "D:owner",
        "D:sync-token",
        "CS:getctag",
        "D:current-user-privilege-set",
        "D:supported-report-set",
        "D:supported-method-set",
        "D:acl",
        "D:quota-used-bytes",
        "D:quota-available-bytes",
        "C:calendar-description",
        "C:calendar-timezone",
        "C:calendar-timezone-id",
        "C:calendar-availability",
        "CS:calendar-availability",
        "A:calendar-color",
        "A:calendar-order",
        "CS:source",
        "A:refreshrate",
        "CS:subscribed-strip-alarms",
        "C:supported-calendar-component-set",
        "C:max-resource-size",
        "D:group-membership",
        "D:group-member-set",
        "D:principal-URL",
        "C:calendar-home-set",
        "CS:invite",
        "D:resource-id",
        "D:group",
        "D:lockdiscovery",
        "C:schedule-calendar-transp",
        "C:calendar-data",
        "CS:source",
        "CS:publish-url",
        "C:schedule-tag",
        "D:parent-set",
    ];
    let mut list: String = (0..dice.below(8) + 1).map(|_| format!("<{}/>", dice.pick(ALL))).collect();
    if dice.chance(30) {
        list.push_str("<note xmlns=\"urn:bob\"/><secret xmlns=\"urn:alice\"/>");
    }
    list
}

/// A body to PUT.
pub fn event(dice: &mut Dice, uid: &str) -> String {
    if dice.chance(25) {
        let mut model = dice.sample(&object());
        for o in &mut model.overrides {
            o.component.secrets.retain(|secret| *secret < 10);
        }
        return model
            .render(&Style::default())
            .replace("canary-c-uid@example.org", uid)
            .replace("canary", "bobs")
            .replace("title", "bobs-title");
    }
    let class = *dice.pick(&["", "CLASS:PRIVATE\r\n", "CLASS:PUBLIC\r\n", "CLASS:CONFIDENTIAL\r\n"]);
    let rule = if dice.chance(30) { "RRULE:FREQ=WEEKLY;COUNT=5\r\n" } else { "" };
    let more = *dice.pick(&[
        "",
        "",
        "TRANSP:TRANSPARENT\r\n",
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:bobs\r\nTRIGGER:-PT9M\r\nEND:VALARM\r\n",
        "BROKEN",
    ]);
    let (day, hour) = (dice.below(20) + 3, dice.below(20));
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//bob//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261102T000000Z\r\nDTSTART:202611{day:02}T{hour:02}0000Z\r\nDTEND:202611{day:02}T{:02}0000Z\r\nSUMMARY:bobs {day}\r\n{class}{rule}{more}END:VEVENT\r\nEND:VCALENDAR\r\n",
        hour + 1
    )
}
