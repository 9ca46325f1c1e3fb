//! Request headers of WebDAV, read: `Depth`, `Overwrite`, `Destination`, `Prefer`, `Brief` and `CalDAV-Timezones`.

use crate::dispatch::Site;
use crate::error::{Error, Result};
use crate::href::{Hrefs, Malformed, Path, Target};
use crate::multistatus::Missing;
use http::header::HOST;
use http::{HeaderMap, StatusCode};
use ical::CalendarObject;
use ical::zone_definitions::{with_every_zone, without_standard_zones};
use std::borrow::Cow;

/// `Depth` (RFC 4918 §10.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The resource alone.
    Zero,
    /// With its direct members.
    One,
    /// With everything below.
    Infinity,
}

/// Reads `Depth`; `None` where it is absent. What it means then is for the method to say.
pub fn depth(headers: &HeaderMap) -> Result<Option<Depth>> {
    let Some(value) = headers.get("depth") else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Ok("0") => Ok(Some(Depth::Zero)),
        Ok("1") => Ok(Some(Depth::One)),
        Ok(word) if word.eq_ignore_ascii_case("infinity") => Ok(Some(Depth::Infinity)),
        _ => Err(Error::BadRequest("Depth is 0, 1 or infinity")),
    }
}

/// `Overwrite` (RFC 4918 §10.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// What stands at the destination is replaced: the default.
    Replace,
    /// Nothing may stand there.
    Refuse,
}

/// Reads `Overwrite`.
pub fn overwrite(headers: &HeaderMap) -> Result<Overwrite> {
    match headers.get("overwrite").map(|value| value.to_str().unwrap_or_default().trim()) {
        None | Some("T" | "t") => Ok(Overwrite::Replace),
        Some("F" | "f") => Ok(Overwrite::Refuse),
        Some(_) => Err(Error::BadRequest("Overwrite is T or F")),
    }
}

/// Authorities under which this server is addressed: the request's `Host`, and the one configured. An href or
/// `Destination` that names another is another server's; nothing is ever fetched.
pub fn authorities<'a>(headers: &'a HeaderMap, site: &'a Site) -> Vec<&'a str> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let configured = site.external_authority.as_deref().map(|authority| authority.split_once("://").map_or(authority, |(_, a)| a));
    host.into_iter().chain(configured.map(|authority| authority.trim_end_matches('/'))).collect()
}

/// Reads `Destination` (RFC 4918 §10.3). Use with: 502 for another server.
pub fn destination(headers: &HeaderMap, site: &Site) -> Result<Path> {
    let value = headers.get("destination").ok_or(Error::BadRequest("Destination is missing"))?;
    let value = std::str::from_utf8(value.as_bytes()).map_err(|_| Error::BadRequest("Destination is malformed"))?;
    match Hrefs::new(site).read(value, &authorities(headers, site)) {
        Ok(Target::Path(path)) => Ok(path),
        Ok(Target::OtherServer) => Err(Error::Status(StatusCode::BAD_GATEWAY)),
        Err(malformed) => Err(malformed.into()),
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Encoding => Self::BadRequest("the path is malformed"),
            Malformed::TooLong => Self::Status(StatusCode::URI_TOO_LONG),
        }
    }
}

/// Whether a PROPFIND with Depth 1 lists the collection itself: `Prefer: depth-noroot` (RFC 8144).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// As usual.
    Listed,
    /// Only its members.
    LeftOut,
}

impl Root {
    /// Reads `Prefer`.
    pub fn read(headers: &HeaderMap) -> Self {
        if is_preferred(headers, "depth-noroot") { Self::LeftOut } else { Self::Listed }
    }
}

/// `CalDAV-Timezones` (RFC 7809 §7.1): whether calendar data comes with definitions of time zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZoneDefinitions {
    /// As they are stored: the default, so that what a client PUT is what it GETs.
    #[default]
    AsStored,
    /// `T`: all of them; the server adds its own where one is missing.
    Included,
    /// `F`: none of zones with IANA ids.
    LeftOut,
}

impl ZoneDefinitions {
    /// Reads the header. A value that is neither counts as none.
    pub fn read(headers: &HeaderMap) -> Self {
        match headers.get("caldav-timezones").map(|value| value.as_bytes().trim_ascii()) {
            Some(b"T" | b"t") => Self::Included,
            Some(b"F" | b"f") => Self::LeftOut,
            _ => Self::AsStored,
        }
    }

    /// An object's text in this form.
    pub fn apply(self, object: &CalendarObject) -> Cow<'_, str> {
        match self {
            Self::AsStored => Cow::Borrowed(object.text()),
            Self::Included => with_every_zone(object),
            Self::LeftOut => without_standard_zones(object),
        }
    }

    /// The tag of a representation that is not the stored one: another strong tag, since the bytes are others
    /// (RFC 9110 §8.8.3). `etag` is that of the stored one, quotes included.
    pub fn tag(self, etag: &str) -> String {
        let mark = match self {
            Self::AsStored => return etag.to_owned(),
            Self::Included => TAG_MARKS[0],
            Self::LeftOut => TAG_MARKS[1],
        };
        format!("{}{mark}\"", etag.strip_suffix('"').unwrap_or(etag))
    }

    /// What a tag is without the mark of a form: the state of the resource that it names.
    pub fn unmarked(tag: &str) -> &str {
        TAG_MARKS.iter().find_map(|mark| tag.strip_suffix(mark)).unwrap_or(tag)
    }
}

/// Ends of tags, before the quote. No tag of ours has a dot elsewhere.
const TAG_MARKS: [&str; 2] = [".T", ".F"];

/// What the client would rather get (RFC 7240 §4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Return {
    /// What the method gives by itself.
    #[default]
    Usual,
    /// `return=minimal`
    Minimal,
    /// `return=representation`
    Representation,
}

/// The value of a preference in lower case, empty where it has none. Parameters mean nothing here. Where it is there twice the
/// first counts (RFC 7240 §2).
fn preference(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all("prefer").into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| unquoted_split(value, ',')).find_map(|preference| {
        let preference = unquoted_split(preference, ';').next().unwrap_or_default();
        let (found, value) = preference.split_once('=').unwrap_or((preference, ""));
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

/// The parts between separators that stand outside of quoted strings (RFC 9110 §5.6.4).
fn unquoted_split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

/// Whether a request has this preference, whatever its value.
pub fn is_preferred(headers: &HeaderMap, name: &str) -> bool {
    preference(headers, name).is_some()
}

impl Return {
    /// Reads `Prefer`, and `Brief` (an older word for the same).
    pub fn read(headers: &HeaderMap) -> Self {
        let brief = headers.get("brief").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"t"));
        match preference(headers, "return").as_deref() {
            Some("minimal") => Self::Minimal,
            Some("representation") => Self::Representation,
            _ if brief => Self::Minimal,
            _ => Self::Usual,
        }
    }

    /// Whether missing properties are listed in a multistatus.
    pub fn missing(self) -> Missing {
        match self {
            Self::Minimal => Missing::LeftOut,
            Self::Usual | Self::Representation => Missing::Listed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Depth, Overwrite, Return, Root, ZoneDefinitions, authorities, depth, destination, overwrite};
    use crate::dispatch::Site;
    use crate::href::Path;
    use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn depth_is_one_of_three_or_absent() {
        assert_eq!(depth(&headers(&[])).unwrap(), None);
        assert_eq!(depth(&headers(&[("depth", "0")])).unwrap(), Some(Depth::Zero));
        assert_eq!(depth(&headers(&[("depth", "1")])).unwrap(), Some(Depth::One));
        assert_eq!(depth(&headers(&[("depth", "Infinity")])).unwrap(), Some(Depth::Infinity));
        for wrong in ["2", "", "1,noroot", "-1"] {
            assert_eq!(depth(&headers(&[("depth", wrong)])).unwrap_err().status(), StatusCode::BAD_REQUEST, "{wrong}");
        }
    }

    #[test]
    fn overwrite_defaults_to_true() {
        assert_eq!(overwrite(&headers(&[])).unwrap(), Overwrite::Replace);
        assert_eq!(overwrite(&headers(&[("overwrite", "T")])).unwrap(), Overwrite::Replace);
        assert_eq!(overwrite(&headers(&[("overwrite", "F")])).unwrap(), Overwrite::Refuse);
        assert!(overwrite(&headers(&[("overwrite", "maybe")])).is_err());
    }

    #[test]
    fn preferences_are_read_from_prefer_and_brief() {
        let read = |all: &[(&'static str, &str)]| Return::read(&headers(all));
        assert_eq!(read(&[]), Return::Usual);
        assert_eq!(read(&[("prefer", "return=minimal")]), Return::Minimal);
        assert_eq!(read(&[("prefer", "depth-noroot, return=\"minimal\"; x=1")]), Return::Minimal);
        assert_eq!(read(&[("prefer", "Return = Representation")]), Return::Representation);
        assert_eq!(read(&[("prefer", "return-minimal")]), Return::Usual);
        assert_eq!(read(&[("prefer", "x=\"a, return=minimal; \\\", return=minimal\"")]), Return::Usual);
        assert_eq!(read(&[("prefer", "return=other, return=minimal")]), Return::Usual);
        assert_eq!(read(&[("prefer", "return=representation"), ("brief", "t")]), Return::Representation);
        assert_eq!(read(&[("brief", "t")]), Return::Minimal);
        assert_eq!(read(&[("brief", "f")]), Return::Usual);
        assert_eq!(Root::read(&headers(&[("prefer", "Depth-NoRoot")])), Root::LeftOut);
        assert_eq!(Root::read(&headers(&[("prefer", "x-foo")])), Root::Listed);
    }

    #[test]
    fn definitions_of_zones_are_asked_for_by_one_letter_and_each_form_has_its_tag() {
        let read = |value: &str| ZoneDefinitions::read(&headers(&[("caldav-timezones", value)]));
        assert_eq!(ZoneDefinitions::read(&headers(&[])), ZoneDefinitions::AsStored);
        assert_eq!((read("T"), read(" f ")), (ZoneDefinitions::Included, ZoneDefinitions::LeftOut));
        assert_eq!(read("yes"), ZoneDefinitions::AsStored);
        assert_eq!(ZoneDefinitions::AsStored.tag("\"abc\""), "\"abc\"");
        let marked = [ZoneDefinitions::Included.tag("\"abc\""), ZoneDefinitions::LeftOut.tag("\"abc\"")];
        assert_eq!(marked, ["\"abc.T\"", "\"abc.F\""]);
        assert_eq!(["abc.T", "abc.F", "abc", "abc.X"].map(ZoneDefinitions::unmarked), ["abc", "abc", "abc", "abc.X"]);
    }

    #[test]
    fn a_destination_may_name_the_host_or_the_configured_authority() {
        let site = Site { base_path: String::new(), external_authority: Some("https://dav.example.org/".into()) };
        let to = |value: &str| destination(&headers(&[("host", "localhost:8008"), ("destination", value)]), &site);
        let there = Path::parse("/dav/calendars/alice/work/1.ics").unwrap();
        for value in [
            "/dav/calendars/alice/work/1.ics",
            "http://localhost:8008/dav/calendars/alice/work/1.ics",
            "https://dav.example.org/dav/calendars/alice/work/1.ics",
            "https://dav.example.org:443/dav/calendars/alice/work/%31.ics",
        ] {
            assert_eq!(to(value).unwrap(), there, "{value}");
        }
        assert_eq!(to("http://elsewhere.example/dav/").unwrap_err().status(), StatusCode::BAD_GATEWAY);
        assert_eq!(to("//elsewhere.example/dav/").unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(destination(&headers(&[]), &site).unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(authorities(&headers(&[("host", "h")]), &site), ["h", "dav.example.org"]);
    }
}
