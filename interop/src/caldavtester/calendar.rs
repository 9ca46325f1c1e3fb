//! iCalendar and jCal read into one tree, and that tree in a form in which equal calendars are equal text.
//!
//! Written apart from the server's own reading of iCalendar: what judges must not share the mistakes of what is judged.

use serde_json::Value;

/// A component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) properties: Vec<Property>,
    pub(crate) components: Vec<Component>,
}

/// A property. Parameters are decoded, the value is as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) parameters: Vec<(String, Vec<String>)>,
    pub(crate) value: String,
}

impl Component {
    /// The first property of this name.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }
    /// The components of this name.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.components.iter().filter(move |component| component.name == name)
    }
}

impl Property {
    /// A parameter's first value.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).and_then(|(_, values)| values.first()).map(String::as_str)
    }
    /// The type of the value: what `VALUE` says, else the default of RFC 5545 for this name.
    pub(crate) fn value_type(&self) -> String {
        self.parameter("VALUE").map_or_else(|| default_type(&self.name).to_owned(), str::to_ascii_uppercase)
    }
}

/// The default value type of a property (RFC 5545 §3.7 and §3.8, RFC 7953, RFC 7986).
pub(crate) fn default_type(name: &str) -> &'static str {
    match name {
        "ATTENDEE" | "ORGANIZER" => "CAL-ADDRESS",
        "COMPLETED" | "CREATED" | "DTEND" | "DTSTAMP" | "DTSTART" | "DUE" | "EXDATE" | "LAST-MODIFIED" | "RDATE" | "RECURRENCE-ID" => {
            "DATE-TIME"
        }
        "DURATION" | "REFRESH-INTERVAL" | "TRIGGER" => "DURATION",
        "FREEBUSY" => "PERIOD",
        "GEO" => "FLOAT",
        "PERCENT-COMPLETE" | "PRIORITY" | "REPEAT" | "SEQUENCE" => "INTEGER",
        "EXRULE" | "RRULE" => "RECUR",
        "ATTACH" | "CONFERENCE" | "SOURCE" | "TZURL" | "URL" => "URI",
        "TZOFFSETFROM" | "TZOFFSETTO" => "UTC-OFFSET",
        _ => "TEXT",
    }
}

/// Reads one iCalendar object.
///
/// # Errors
/// It is none, in words.
pub(crate) fn parse(text: &str) -> Result<Component, String> {
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut stack: Vec<Component> = Vec::new();
    let mut whole: Option<Component> = None;
    for line in unfolded.lines().filter(|line| !line.trim().is_empty()) {
        if whole.is_some() {
            return Err("something stands after the end of the calendar".to_owned());
        }
        let property = content_line(line)?;
        match property.name.as_str() {
            "BEGIN" => stack.push(Component { name: property.value.trim().to_ascii_uppercase(), ..Component::default() }),
            "END" => {
                let component = stack.pop().ok_or("an END without BEGIN")?;
                if component.name != property.value.trim().to_ascii_uppercase() {
                    return Err(format!("BEGIN:{} ends with END:{}", component.name, property.value));
                }
                match stack.last_mut() {
                    Some(parent) => parent.components.push(component),
                    None => whole = Some(component),
                }
            }
            _ => stack.last_mut().ok_or("a property outside of any component")?.properties.push(property),
        }
    }
    match whole {
        Some(whole) if whole.name == "VCALENDAR" => Ok(whole),
        Some(whole) => Err(format!("a {} where a VCALENDAR is expected", whole.name)),
        None => Err("no complete VCALENDAR".to_owned()),
    }
}

fn content_line(line: &str) -> Result<Property, String> {
    let mut quoted = false;
    let colon = line
        .char_indices()
        .find(|(_, c)| {
            quoted ^= *c == '"';
            *c == ':' && !quoted
        })
        .map(|(at, _)| at)
        .ok_or_else(|| "a line without a colon".to_owned())?;
    let (head, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
    let mut parts = split_outside_quotes(head, ';').into_iter();
    let name = parts.next().unwrap_or_default().to_ascii_uppercase();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err("a line without a name".to_owned());
    }
    let parameters = parts
        .map(|part| {
            let (key, values) = part.split_once('=').ok_or_else(|| format!("{name} has a parameter without `=`"))?;
            let values = split_outside_quotes(values, ',').into_iter().map(|value| decode_parameter(value.trim_matches('"'))).collect();
            Ok((key.to_ascii_uppercase(), values))
        })
        .collect::<Result<_, String>>()?;
    Ok(Property { name, parameters, value: value.to_owned() })
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// RFC 6868 §3.2.
fn decode_parameter(value: &str) -> String {
    let mut decoded = String::new();
    let mut characters = value.chars().peekable();
    while let Some(c) = characters.next() {
        let replaced = match (c, characters.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        if replaced.is_some() {
            characters.next();
        }
        decoded.push(replaced.unwrap_or(c));
    }
    decoded
}

/// Reads one jCal object (RFC 7265).
///
/// # Errors
/// It is none, in words.
pub(crate) fn parse_json(text: &str) -> Result<Component, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let whole = json_component(&value, 0)?;
    if whole.name == "VCALENDAR" { Ok(whole) } else { Err(format!("a {} where a VCALENDAR is expected", whole.name)) }
}

fn json_component(value: &Value, depth: usize) -> Result<Component, String> {
    if depth > 8 {
        return Err("components nested too deeply".to_owned());
    }
    let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let [Value::String(name), Value::Array(properties), Value::Array(components)] = parts else {
        return Err("a component that is not [name, properties, components]".to_owned());
    };
    Ok(Component {
        name: name.to_ascii_uppercase(),
        properties: properties.iter().map(json_property).collect::<Result<_, _>>()?,
        components: components.iter().map(|component| json_component(component, depth + 1)).collect::<Result<_, _>>()?,
    })
}

fn json_property(value: &Value) -> Result<Property, String> {
    let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let [Value::String(name), Value::Object(parameters), Value::String(kind), values @ ..] = parts else {
        return Err("a property that is not [name, parameters, type, value, …]".to_owned());
    };
    if values.is_empty() {
        return Err(format!("the property {name} has no value"));
    }
    let name = name.to_ascii_uppercase();
    let kind = kind.to_ascii_uppercase();
    let mut parameters: Vec<(String, Vec<String>)> = parameters
        .iter()
        .map(|(key, value)| {
            let values = value.as_array().map_or_else(|| vec![plain(value)], |values| values.iter().map(plain).collect());
            (key.to_ascii_uppercase(), values)
        })
        .collect();
    if kind != default_type(&name) && kind != "UNKNOWN" {
        parameters.push(("VALUE".to_owned(), vec![kind.clone()]));
    }
    let value = values.iter().map(|value| json_value(&kind, value)).collect::<Vec<_>>().join(",");
    Ok(Property { name, parameters, value })
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A jCal value as iCalendar writes it.
fn json_value(kind: &str, value: &Value) -> String {
    match (kind, value) {
        ("RECUR", Value::Object(parts)) => parts
            .iter()
            .map(|(key, value)| {
                let value = value.as_array().map_or_else(|| plain(value), |values| values.iter().map(plain).collect::<Vec<_>>().join(","));
                let value = if key.eq_ignore_ascii_case("until") { compact(&value) } else { value };
                format!("{}={value}", key.to_ascii_uppercase())
            })
            .collect::<Vec<_>>()
            .join(";"),
        ("PERIOD", Value::Array(parts)) => parts.iter().map(|part| compact(&plain(part))).collect::<Vec<_>>().join("/"),
        (_, Value::Array(parts)) => parts.iter().map(|part| json_value(kind, part)).collect::<Vec<_>>().join(";"),
        ("DATE" | "DATE-TIME" | "TIME" | "UTC-OFFSET" | "PERIOD", _) => compact(&plain(value)),
        ("BOOLEAN", _) => plain(value).to_ascii_uppercase(),
        ("TEXT", _) => escape(&plain(value)),
        _ => plain(value),
    }
}

/// Extended ISO 8601 as the basic form: `2026-01-31T10:00:00Z` is `20260131T100000Z`. A sign at the beginning stays.
fn compact(text: &str) -> String {
    text.char_indices().filter(|(at, c)| *at == 0 || (*c != '-' && *c != ':')).map(|(_, c)| c).collect()
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn icalendar_is_read_with_folds_quotes_and_carets() {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nATTENDEE;CN=\"A;B:\r\n C\";X=^^^'^n,2:mailto:a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let calendar = parse(text).unwrap();
        let attendee = calendar.components.first().unwrap().property("ATTENDEE").unwrap();
        assert_eq!(attendee.parameter("CN"), Some("A;B:C"));
        assert_eq!(attendee.parameters.get(1).unwrap().1, ["^\"\n", "2"]);
        assert_eq!(attendee.value, "mailto:a");
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        for text in [
            "",
            "hello",
            "BEGIN:VCALENDAR\n",
            "BEGIN:VEVENT\nEND:VEVENT\n",
            "BEGIN:VCALENDAR\nEND:VEVENT\n",
            "BEGIN:VCALENDAR\nX\nEND:VCALENDAR\n",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["{}", "[]", "[\"vevent\",[],[]]", "[\"vcalendar\",[[\"x\",{},\"text\"]],[]]"] {
            assert!(parse_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn jcal_is_the_same_tree() {
        let json = r#"["vcalendar",[["version",{},"text","2.0"]],[["vevent",[["dtstart",{"tzid":"X/Y"},"date-time","2026-01-31T10:00:00"],
            ["rrule",{},"recur",{"freq":"DAILY","count":3,"until":"2026-02-01","byday":["MO","TU"]}],["summary",{},"text","a, b"],
            ["exdate",{},"date","2026-01-01","2026-01-02"],["tzoffsetto",{},"utc-offset","-05:00"],["categories",{},"text","x","y"]],[]]]]"#;
        let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nDTSTART;TZID=X/Y:20260131T100000\nRRULE:FREQ=DAILY;COUNT=3;UNTIL=20260201;BYDAY=MO,TU\n\
            SUMMARY:a\\, b\nEXDATE;VALUE=DATE:20260101,20260102\nTZOFFSETTO:-0500\nCATEGORIES:x,y\nEND:VEVENT\nEND:VCALENDAR\n";
        let (one, other) = (parse_json(json).unwrap(), parse(text).unwrap());
        let sorted = |mut property: Property| {
            if property.name == "RRULE" {
                let mut parts: Vec<&str> = property.value.split(';').collect();
                parts.sort_unstable();
                property.value = parts.join(";");
            }
            property
        };
        let properties =
            |calendar: Component| calendar.components.into_iter().flat_map(|event| event.properties).map(sorted).collect::<Vec<_>>();
        assert_eq!(properties(one), properties(other));
    }
}
