//! Hrefs: request paths to what they name, and back to one canonical form.
//!
//! A path is split at `/` first and each segment decoded once; a segment that would not survive this round (an encoded slash,
//! `..`, bytes that are not UTF-8) names nothing. What is written is percent-encoded in one way, with a final slash for
//! collections. Control characters stand in names of calendar objects alone, which no program ever shows. This module knows paths, not whether anything stands there.

use crate::dispatch::Site;
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use storage::authorized::{ADD_MEMBER, Calendar, Plain, PlainKind, PrincipalKind};

/// Everything but the unreserved characters of RFC 3986 §2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What stands before a person's name in her free/busy URL.
const FREE_BUSY: &str = "/dav/freebusy/";
/// Bytes of one decoded segment.
const SEGMENT_BYTES_MAX: usize = 255;
/// Segments of a path.
const SEGMENTS_MAX: usize = 32;
/// Segments before that of a calendar object: `dav`, `calendars`, its owner, its calendar.
const SEGMENTS_BEFORE_OBJECT: usize = 4;

/// What a path names, by its form alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// One of the collections that always stand.
    Fixed(Fixed),
    /// `/dav/principals/users/{name}/` or `/dav/principals/groups/{name}/`
    Principal(PrincipalKind, String),
    /// `/dav/calendars/{owner}/` and all below.
    Home {
        /// Whose home.
        owner: String,
        /// Segments below it; empty for the home itself.
        below: Vec<String>,
    },
    /// `/dav/freebusy/{user}`
    FreeBusy(String),
    /// Nothing can stand there.
    Nothing,
}

/// The collections that always stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// `/`
    Root,
    /// `/.well-known/`
    WellKnown,
    /// `/principals/`
    RootPrincipals,
    /// `/dav/`
    Dav,
    /// `/dav/principals/`
    Principals,
    /// `/dav/principals/users/`
    Users,
    /// `/dav/principals/groups/`
    Groups,
    /// `/dav/principals/roles/`
    Roles,
    /// `/dav/calendars/`
    Calendars,
}

impl Fixed {
    /// All of them.
    #[rustfmt::skip]
    pub const ALL: [Self; 9] = [
        Self::Root, Self::WellKnown, Self::RootPrincipals, Self::Dav, Self::Principals, Self::Users, Self::Groups, Self::Roles, Self::Calendars,
    ];
    /// Where principals of a kind stand.
    fn of(kind: PrincipalKind) -> Self {
        match kind {
            PrincipalKind::User => Self::Users,
            PrincipalKind::Group => Self::Groups,
            PrincipalKind::Role => Self::Roles,
        }
    }
    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Root | Self::Dav => "shoji",
            Self::WellKnown => "Well-known places",
            Self::RootPrincipals | Self::Principals => "Principals",
            Self::Users => "Users",
            Self::Groups => "Groups",
            Self::Roles => "Roles",
            Self::Calendars => "Calendars",
        }
    }
    /// Its path below `base_path`.
    pub fn path(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::WellKnown => "/.well-known/",
            Self::RootPrincipals => "/principals/",
            Self::Dav => "/dav/",
            Self::Principals => "/dav/principals/",
            Self::Users => "/dav/principals/users/",
            Self::Groups => "/dav/principals/groups/",
            Self::Roles => "/dav/principals/roles/",
            Self::Calendars => "/dav/calendars/",
        }
    }
}

/// Why a path cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not percent-encoded UTF-8, or with characters no path may have. Use with: 400.
    Encoding,
    /// Longer than anything here. Use with: 414.
    TooLong,
}

impl Path {
    /// Reads a path as sent, `base_path` removed. A final slash makes no difference.
    pub fn parse(path: &str) -> Result<Self, Malformed> {
        let Some(rest) = path.strip_prefix('/') else { return Err(Malformed::Encoding) };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return Ok(if path == "/" { Self::Fixed(Fixed::Root) } else { Self::Nothing });
        }
        let mut segments = Vec::with_capacity(SEGMENTS_BEFORE_OBJECT.saturating_add(1));
        for raw in rest.split('/') {
            if segments.len() >= SEGMENTS_MAX {
                return Err(Malformed::TooLong);
            }
            match segment(raw)? {
                Some(segment) if segment.chars().any(char::is_control) && segments.len() != SEGMENTS_BEFORE_OBJECT => {
                    return Err(Malformed::Encoding);
                }
                Some(segment) => segments.push(segment),
                None => return Ok(Self::Nothing),
            }
        }
        Ok(Self::of_segments(segments))
    }

    fn of_segments(segments: Vec<String>) -> Self {
        let mut segments = segments.into_iter();
        let mut next = || segments.next();
        let (first, second, third) = (next(), next(), next());
        match (first.as_deref(), second.as_deref(), third) {
            (Some(".well-known"), None, None) => Self::Fixed(Fixed::WellKnown),
            (Some("principals"), None, None) => Self::Fixed(Fixed::RootPrincipals),
            (Some("dav"), None, None) => Self::Fixed(Fixed::Dav),
            (Some("dav"), Some("principals"), None) => Self::Fixed(Fixed::Principals),
            (Some("dav"), Some("calendars"), None) => Self::Fixed(Fixed::Calendars),
            (Some("dav"), Some("principals"), Some(kind)) => {
                let kind = match kind.as_str() {
                    "users" => PrincipalKind::User,
                    "groups" => PrincipalKind::Group,
                    "roles" => PrincipalKind::Role,
                    _ => return Self::Nothing,
                };
                match (segments.next(), segments.next()) {
                    (None, _) => Self::Fixed(Fixed::of(kind)),
                    (Some(name), None) => Self::Principal(kind, name),
                    _ => Self::Nothing,
                }
            }
            (Some("dav"), Some("freebusy"), Some(user)) => match segments.next() {
                None => Self::FreeBusy(user),
                Some(_) => Self::Nothing,
            },
            (Some("dav"), Some("calendars"), Some(owner)) => Self::Home { owner, below: segments.collect() },
            _ => Self::Nothing,
        }
    }

    /// The collection to which this path adds members (RFC 5995 §3.2.1), if it has the form of such a path.
    pub fn takes_members_for(&self) -> Option<Self> {
        match self {
            Self::Home { below, .. } if below.len() > 1 && below.last().is_some_and(|name| name == ADD_MEMBER) => self.parent(),
            _ => None,
        }
    }

    /// The path of the collection this stands in; `None` for what stands at the top.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Home { owner, below } => match below.split_last() {
                Some((_, above)) => Some(Self::Home { owner: owner.clone(), below: above.to_vec() }),
                None => Some(Self::Fixed(Fixed::Calendars)),
            },
            Self::Principal(kind, _) => Some(Self::Fixed(Fixed::of(*kind))),
            Self::FreeBusy(_) => Some(Self::Fixed(Fixed::Dav)),
            Self::Fixed(_) | Self::Nothing => None,
        }
    }
}

/// One segment decoded once; `None` if nothing can bear that name.
fn segment(raw: &str) -> Result<Option<String>, Malformed> {
    // Whatever is said below of others holds for these.
    if raw.len() <= SEGMENT_BYTES_MAX && is_plain(raw) && !matches!(raw, "" | "." | "..") {
        return Ok(Some(raw.to_owned()));
    }
    let is_hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let escape_is_whole = byte != b'%' || (is_hex(bytes.next()) && is_hex(bytes.next()));
        if !escape_is_whole || byte <= b' ' || byte == 0x7f {
            return Err(Malformed::Encoding);
        }
    }
    let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| Malformed::Encoding)?;
    if decoded.len() > SEGMENT_BYTES_MAX {
        return Err(Malformed::TooLong);
    }
    if decoded.contains('\0') {
        return Err(Malformed::Encoding);
    }
    let names_nothing = decoded.is_empty() || decoded == "." || decoded == ".." || decoded.contains(['/', '\\']);
    Ok((!names_nothing).then(|| decoded.into_owned()))
}

/// Whether a segment is the same percent-encoded and not. Most are.
fn is_plain(segment: &str) -> bool {
    // Without a branch, so that many bytes are compared at once.
    segment.bytes().fold(true, |all, byte| {
        let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
        let is_digit = byte.wrapping_sub(b'0') < 10;
        all & (is_letter | is_digit | (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'~'))
    })
}

/// Percent-encodes one segment in the one canonical way.
pub fn encode_segment(segment: &str) -> String {
    utf8_percent_encode(segment, ENCODED).to_string()
}

/// The same behind what is there.
pub fn push_segment(href: &mut String, segment: &str) {
    if is_plain(segment) {
        href.push_str(segment);
    } else {
        href.extend(utf8_percent_encode(segment, ENCODED));
    }
}

/// Where a `DAV:href`, or a `Destination` (RFC 4918 §10.3), leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path of ours, `base_path` removed.
    Path(Path),
    /// Another server. Use with: 502.
    OtherServer,
}

/// Writes and reads hrefs of one site.
#[derive(Clone, Copy, Debug)]
pub struct Hrefs<'a> {
    base_path: &'a str,
}

impl<'a> Hrefs<'a> {
    /// Hrefs of this site.
    pub fn new(site: &'a Site) -> Self {
        Self { base_path: &site.base_path }
    }
    /// One of the collections that always stand.
    pub fn fixed(&self, fixed: Fixed) -> String {
        format!("{}{}", self.base_path, fixed.path())
    }
    /// A principal.
    pub fn principal(&self, kind: PrincipalKind, name: &str) -> String {
        format!("{}{}{}/", self.base_path, Fixed::of(kind).path(), encode_segment(name))
    }
    /// When a person is busy.
    pub fn free_busy(&self, user: &str) -> String {
        format!("{}{FREE_BUSY}{}", self.base_path, encode_segment(user))
    }
    /// A home.
    pub fn home(&self, owner: &str) -> String {
        format!("{}{}{}/", self.base_path, Fixed::Calendars.path(), encode_segment(owner))
    }
    /// A calendar, at the path under which it was addressed.
    pub fn calendar(&self, calendar: &Calendar) -> String {
        self.member(calendar.home(), calendar.name())
    }
    /// A collection directly in a home.
    pub fn member(&self, owner: &str, name: &str) -> String {
        format!("{}{}/", self.home(owner), encode_segment(name))
    }
    /// An object of a calendar.
    pub fn object(&self, calendar: &Calendar, name: &str) -> String {
        format!("{}{}", self.calendar(calendar), encode_segment(name))
    }
    /// A plain resource.
    pub fn plain(&self, plain: &Plain) -> String {
        let mut href = self.home(&plain.owner);
        for (index, segment) in plain.path.iter().enumerate() {
            if index > 0 {
                href.push('/');
            }
            href.push_str(&encode_segment(segment));
        }
        if !matches!(plain.kind, PlainKind::File { .. }) {
            href.push('/');
        }
        href
    }

    /// Where a collection with this href takes new members. Written as it is, `;` being allowed in a segment (RFC 3986 §3.3).
    pub fn add_member(collection: &str) -> String {
        format!("{collection}{ADD_MEMBER}")
    }

    /// Reads an href of a request: an absolute path, or an absolute URI that names one of `authorities`.
    pub fn read(&self, href: &str, authorities: &[&str]) -> Result<Target, Malformed> {
        let href = href.trim();
        if href.starts_with("//") || href.contains(['#', '?']) {
            return Err(Malformed::Encoding);
        }
        let path = if href.starts_with('/') {
            href
        } else {
            let uri: Uri = href.parse().map_err(|_| Malformed::Encoding)?;
            let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(Malformed::Encoding) };
            let of_ours = authorities.iter().any(|ours| same_authority(ours, authority.as_str(), scheme));
            if !matches!(scheme, "http" | "https") || !of_ours {
                return Ok(Target::OtherServer);
            }
            let from = href.find("://").map_or(0, |at| at + 3);
            let rest = href.get(from..).unwrap_or_default();
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        };
        match path.strip_prefix(self.base_path) {
            Some(path) if path.starts_with('/') => Path::parse(path).map(Target::Path),
            _ => Ok(Target::Path(Path::Nothing)),
        }
    }
}

/// Whether two authorities name one server under `scheme`, its default port left out or not. An authority with user
/// information is never ours.
fn same_authority(ours: &str, theirs: &str, scheme: &str) -> bool {
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let bare = |authority: &str| {
        let lower = authority.to_ascii_lowercase();
        lower.strip_suffix(default_port).map(str::to_owned).unwrap_or(lower)
    };
    !theirs.contains('@') && bare(ours) == bare(theirs)
}

#[cfg(test)]
mod tests;
