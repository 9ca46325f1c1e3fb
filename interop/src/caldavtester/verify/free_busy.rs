//! Free/busy: as a report answers it, and as scheduling does.

use super::{Arguments, Context};
use crate::calendar::{self, Component};
use crate::normal::period;
use std::collections::BTreeMap;

/// The periods of each `FBTYPE`, sorted, however their ends are written.
type Periods = BTreeMap<&'static str, Vec<(String, String)>>;

const KINDS: [(&str, &str); 3] = [("busy", "BUSY"), ("tentative", "BUSY-TENTATIVE"), ("unavailable", "BUSY-UNAVAILABLE")];

/// `freeBusy`: one VFREEBUSY with just these periods. `duration` says that the script writes them with lengths; that is seen.
pub(super) fn report(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let expected = expected(&mut arguments)?;
    arguments.take("duration");
    arguments.end()?;
    context.expect_status(&[200])?;
    let calendar = calendar::parse(&context.answer.body).map_err(|words| format!("the body is no calendar: {words}"))?;
    compare(&expected, &found(&calendar)?)
}

/// `postFreeBusy`: a schedule response with a VFREEBUSY of each `attendee`, with just these periods, and `events` VEVENTs.
pub(super) fn scheduled(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let expected = expected(&mut arguments)?;
    let (attendees, events) = (arguments.list("attendee"), arguments.number("events")?);
    arguments.end()?;
    context.expect_status(&[200])?;
    let root = context.xml()?;
    const DATA: &str = "{urn:ietf:params:xml:ns:caldav}response/{urn:ietf:params:xml:ns:caldav}calendar-data";
    let calendars: Vec<Component> = root.find(DATA).iter().filter_map(|data| calendar::parse(&data.text).ok()).collect();
    for attendee in &attendees {
        let named = |calendar: &&Component| {
            let mut properties = calendar.named("VFREEBUSY").flat_map(|busy| busy.properties.iter());
            properties.any(|property| property.name == "ATTENDEE" && property.value.eq_ignore_ascii_case(attendee))
        };
        let calendar = calendars.iter().find(named).ok_or_else(|| format!("there is no free/busy of {attendee}"))?;
        compare(&expected, &found(calendar)?)?;
        let number = calendar.named("VEVENT").count() as i64;
        if events.is_some_and(|events| events != number) {
            return Err(format!("{number} events beside the free/busy of {attendee}"));
        }
    }
    Ok(())
}

fn expected(arguments: &mut Arguments) -> Result<Periods, String> {
    let mut periods = Periods::new();
    for (name, kind) in KINDS {
        let read = |text: &String| period(text).ok_or_else(|| format!("`{text}` is no period"));
        periods.insert(kind, arguments.list(name).iter().map(read).collect::<Result<_, _>>()?);
    }
    Ok(sorted(periods))
}

fn found(calendar: &Component) -> Result<Periods, String> {
    let mut busy = calendar.named("VFREEBUSY");
    let (Some(busy), None) = (busy.next(), busy.next()) else { return Err("there is not one VFREEBUSY".to_owned()) };
    let mut periods: Periods = KINDS.iter().map(|(_, kind)| (*kind, Vec::new())).collect();
    for property in busy.properties.iter().filter(|property| property.name == "FREEBUSY") {
        let kind = property.parameter("FBTYPE").unwrap_or("BUSY").to_ascii_uppercase();
        let list = periods.get_mut(kind.as_str()).ok_or_else(|| format!("the FBTYPE {kind} is not expected"))?;
        for text in property.value.split(',') {
            list.push(period(text).ok_or_else(|| format!("`{text}` is no period"))?);
        }
    }
    Ok(sorted(periods))
}

fn sorted(mut periods: Periods) -> Periods {
    periods.values_mut().for_each(|list| list.sort());
    periods
}

fn compare(expected: &Periods, found: &Periods) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let words = |periods: &Periods| {
        let all = periods.iter().flat_map(|(kind, list)| list.iter().map(move |(start, end)| format!("{kind} {start}/{end}")));
        all.collect::<Vec<_>>()
    };
    Err(format!("the periods differ\n{}", super::difference(&words(expected), &words(found))))
}
