//! What a page tells of one shown component: what stands in it, as text and within bounds. What is not named here is left to
//! the feed.

use super::html::Html;
use ical::content_line::unescape_text;
use ical::{Component, ComponentKind, ContentLine};

/// Characters of one text.
const CHARACTERS_MAX: usize = 4_000;
/// People named.
const PEOPLE_MAX: usize = 100;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    title: String,
    remark: Option<&'static str>,
    place: Option<String>,
    description: Option<String>,
    address: Option<String>,
    people: Vec<String>,
    more_people: usize,
}

impl Details {
    /// Of a component of a projected object.
    pub(super) fn of(component: &Component, kind: ComponentKind) -> Self {
        let text = |name: &str| component.line(name).map(|line| cut(&unescape_text(&line.value))).filter(|text| !text.trim().is_empty());
        let mut people: Vec<String> = component.lines_named("ORGANIZER").chain(component.lines_named("ATTENDEE")).map(person).collect();
        people.dedup();
        let more_people = people.len().saturating_sub(PEOPLE_MAX);
        people.truncate(PEOPLE_MAX);
        Self {
            title: text("SUMMARY").unwrap_or_else(|| "Without a title".to_owned()),
            remark: remark(component, kind),
            place: text("LOCATION"),
            description: text("DESCRIPTION"),
            address: component.line("URL").map(|line| cut(line.value.trim())).filter(|text| !text.is_empty()),
            people,
            more_people,
        }
    }
    /// A block of busy time.
    pub(super) fn busy(words: &str, remark: Option<&'static str>) -> Self {
        Self { title: words.to_owned(), remark, ..Self::default() }
    }
    /// What it is called.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Title, remark and place: what stands in a list.
    pub(super) fn write_line(&self, html: &mut Html) {
        html.markup("<strong>").foreign(&self.title).markup("</strong>");
        if let Some(remark) = self.remark {
            html.markup(" <em>").text(remark).markup("</em>");
        }
        if let Some(place) = &self.place {
            html.markup(" <span class=\"place\">").foreign(place).markup("</span>");
        }
    }

    /// Whether there is more than a line.
    pub(super) fn has_more(&self) -> bool {
        self.description.is_some() || self.address.is_some() || !self.people.is_empty()
    }

    /// The rest.
    pub(super) fn write_more(&self, html: &mut Html) {
        if let Some(description) = &self.description {
            html.markup("<p class=\"prose\">").foreign(description).markup("</p>");
        }
        if let Some(address) = &self.address {
            html.markup("<p>");
            write_address(html, address);
            html.markup("</p>");
        }
        if !self.people.is_empty() {
            html.markup("<ul class=\"people\" aria-label=\"People\">");
            for person in &self.people {
                html.markup("<li>").foreign(person).markup("</li>");
            }
            if self.more_people > 0 {
                html.markup("<li>and ").text(&self.more_people.to_string()).markup(" more</li>");
            }
            html.markup("</ul>");
        }
    }
}

/// An address leads somewhere only on the web: anything else a browser could take for something to run.
fn write_address(html: &mut Html, address: &str) {
    let is_of = |scheme: &str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let is_plain = !address.chars().any(|character| character.is_control() || character.is_whitespace());
    if is_plain && (is_of("https://") || is_of("http://")) {
        html.markup("<a rel=\"noopener noreferrer nofollow\" href=\"").text(address).markup("\">").foreign(address).markup("</a>");
    } else {
        html.foreign(address);
    }
}

fn remark(component: &Component, kind: ComponentKind) -> Option<&'static str> {
    let status = component.line("STATUS").map(|line| line.value.trim().to_ascii_uppercase());
    match (kind, status.as_deref()) {
        (_, Some("CANCELLED")) => Some("cancelled"),
        (_, Some("TENTATIVE")) => Some("tentative"),
        (ComponentKind::ToDo, Some("COMPLETED")) => Some("to do, done"),
        (ComponentKind::ToDo, _) => Some("to do"),
        (ComponentKind::Journal, _) => Some("journal"),
        _ => None,
    }
}

/// The name of an attendee, else the address.
fn person(line: &ContentLine) -> String {
    let name = line.parameter("CN").map(str::trim).filter(|name| !name.is_empty());
    let value = line.value.trim();
    let address = match value.split_once(':') {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto") => address,
        _ => value,
    };
    cut(name.unwrap_or(address))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
