//! Full components: the stored bytes, with the few places changed that the view needs changed.
//!
//! Prints nothing anew but those places: a UID line, the lines that exclude what is hidden.

use super::Unprojectable;
use super::reduced::head;
use super::series::Series;
use crate::text_edit::TextEdit;
use chrono::NaiveDateTime;
use ical::content_line::escape_text;
use ical::write::push_line;
use ical::{Component, ContentLine};
use std::collections::BTreeSet;

/// Puts a pseudonym in the place of a component's UID.
pub(super) fn replace_uid(component: &Component, uid: &str) -> impl Iterator<Item = TextEdit> {
    let mut line = String::with_capacity(uid.len() + 6);
    push_line(&mut line, "UID", &escape_text(uid));
    component.lines_named("UID").map(move |stored| TextEdit { range: stored.span.clone(), text: line.clone() })
}

/// Takes the hidden instances out of a master that is shown in full: out of RDATE where RDATE gives them, by an EXDATE line,
/// of the form a client would write, where the rule does. The result is what the object of someone who had deleted those
/// instances could be.
pub(super) fn exclude(
    text: &str,
    master: &Component,
    series: &Series<'_>,
    hidden: &BTreeSet<NaiveDateTime>,
) -> Result<Vec<TextEdit>, Unprojectable> {
    let mut edits = Vec::new();
    for line in master.lines_named("RDATE") {
        if let Some(kept) = series.remaining_dates(line, hidden)? {
            edits.push(TextEdit { range: line.span.clone(), text: with_value(text, line, &kept.join(","))? });
        }
    }
    let after = ["EXDATE", "RRULE", "DTSTART"].iter().find_map(|name| master.lines.iter().rfind(|line| line.name == *name));
    let end = after.ok_or(Unprojectable)?.span.end;
    let mut stored = Vec::new();
    for line in master.lines_named("EXDATE") {
        stored.push((series.first_excluded(line)?, line.span.start));
    }
    for (slot, stamp) in series.exclusions(hidden) {
        // Among those that are there, where it belongs in time: at their end it would tell itself from them.
        let at = stored.iter().find(|(first, _)| *first > slot).map_or(end, |(_, start)| *start);
        let mut line = String::new();
        push_line(&mut line, &head("EXDATE", stamp, series.form.tzid()), &stamp.value());
        edits.push(TextEdit::insert(at, line));
    }
    Ok(edits)
}

/// A stored line with another value; nothing if that is empty.
fn with_value(text: &str, line: &ContentLine, value: &str) -> Result<String, Unprojectable> {
    let mut out = String::new();
    if value.is_empty() {
        return Ok(out);
    }
    let mut unfolded = text.get(line.span.clone()).ok_or(Unprojectable)?.to_owned();
    for fold in ["\r\n ", "\r\n\t", "\n ", "\n\t"] {
        unfolded = unfolded.replace(fold, "");
    }
    let unfolded = unfolded.trim_end_matches(['\r', '\n']);
    let head = unfolded.strip_suffix(line.value.as_str()).and_then(|head| head.strip_suffix(':')).ok_or(Unprojectable)?;
    push_line(&mut out, head, value);
    Ok(out)
}

/// Every TZID a component refers to, at any depth.
pub(super) fn referenced_zones(component: &Component) -> BTreeSet<&str> {
    let mut zones = BTreeSet::new();
    let mut open = vec![component];
    while let Some(component) = open.pop() {
        zones.extend(component.lines.iter().filter_map(|line| line.parameter("TZID")));
        open.extend(&component.components);
    }
    zones
}

/// The TZID a VTIMEZONE defines.
pub(super) fn defined_zone(vtimezone: &Component) -> Option<String> {
    vtimezone.line("TZID").map(|line| ical::content_line::unescape_text(&line.value))
}
