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
    // Most are: whatever is said below of others holds for these.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    if raw.len() <= SEGMENT_BYTES_MAX && raw.bytes().all(is_plain) && !matches!(raw, "" | "." | "..") {
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

/// Percent-encodes one segment in the one canonical way.
pub fn encode_segment(segment: &str) -> String {
    utf8_percent_encode(segment, ENCODED).to_string()
}

/// The same behind what is there.
pub fn push_segment(href: &mut String, segment: &str) {
    href.extend(utf8_percent_encode(segment, ENCODED));
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
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Fixed, Hrefs, Malformed, Path, Target, encode_segment};
    use crate::dispatch::Site;
    use proptest::prelude::*;
    use storage::authorized::PrincipalKind;

    fn home(owner: &str, below: &[&str]) -> Path {
        Path::Home { owner: owner.into(), below: below.iter().map(|s| (*s).to_owned()).collect() }
    }

    #[test]
    fn paths_name_what_the_contract_says_with_and_without_a_final_slash() {
        let table = [
            ("/", Path::Fixed(Fixed::Root)),
            ("/principals/", Path::Fixed(Fixed::RootPrincipals)),
            ("/dav/", Path::Fixed(Fixed::Dav)),
            ("/dav/principals/", Path::Fixed(Fixed::Principals)),
            ("/dav/principals/users/", Path::Fixed(Fixed::Users)),
            ("/dav/principals/groups/", Path::Fixed(Fixed::Groups)),
            ("/dav/principals/roles/", Path::Fixed(Fixed::Roles)),
            ("/dav/calendars/", Path::Fixed(Fixed::Calendars)),
            ("/dav/principals/users/alice/", Path::Principal(PrincipalKind::User, "alice".into())),
            ("/dav/principals/groups/team/", Path::Principal(PrincipalKind::Group, "team".into())),
            ("/dav/calendars/alice/", home("alice", &[])),
            ("/dav/freebusy/alice/", Path::FreeBusy("alice".into())),
            ("/dav/calendars/alice/work/", home("alice", &["work"])),
            ("/dav/calendars/alice/work/1.ics/", home("alice", &["work", "1.ics"])),
        ];
        for (path, named) in table {
            assert_eq!(Path::parse(path), Ok(named.clone()), "{path}");
            let bare = path.trim_end_matches('/');
            if !bare.is_empty() {
                assert_eq!(Path::parse(bare), Ok(named), "{bare}");
            }
        }
        for path in [
            "/x",
            "/dav/x/",
            "/dav/freebusy/",
            "/dav/freebusy/a/b",
            "/dav/principals/x/",
            "/dav/principals/users/a/b",
            "/principals/users/",
            "/DAV/",
        ] {
            assert_eq!(Path::parse(path), Ok(Path::Nothing), "{path}");
        }
    }

    #[test]
    fn leak_112_tricks_name_nothing_or_are_malformed() {
        for path in [
            "//",
            "/dav//calendars/",
            "/dav/calendars/alice//1.ics",
            "/dav/calendars/bob/../alice/",
            "/dav/calendars/bob/%2e%2e/alice/",
            "/dav/calendars/./alice/",
            "/dav/calendars/alice%2Fwork/",
            "/dav/calendars/alice%5Cwork/",
            "/dav/calendars/alice\\work/",
        ] {
            assert_eq!(Path::parse(path), Ok(Path::Nothing), "{path}");
        }
        for path in ["", "dav/", "/dav/%", "/dav/%4", "/dav/%zz", "/dav/%00", "/dav/%0d%0aSet-Cookie", "/dav/%ff", "/dav/%c0%af", "/a b"] {
            assert_eq!(Path::parse(path), Err(Malformed::Encoding), "{path}");
        }
        assert_eq!(Path::parse(&format!("/dav/{}", "a".repeat(256))), Err(Malformed::TooLong));
        assert_eq!(Path::parse(&"/a".repeat(33)), Err(Malformed::TooLong));
    }

    #[test]
    fn a_segment_is_decoded_once_and_encoded_one_way() {
        let name = "a b+c%40d@é.ics";
        let encoded = encode_segment(name);
        assert_eq!(encoded, "a%20b%2Bc%2540d%40%C3%A9.ics");
        for spelling in [encoded.as_str(), "a%20b+c%2540d@%c3%a9.ics"] {
            assert_eq!(Path::parse(&format!("/dav/calendars/alice/work/{spelling}")), Ok(home("alice", &["work", name])));
        }
    }

    /// vdirsyncer names an object after its UID, and some program had made one with an encoded line break: vdirsyncer could
    /// download it and never upload it again. RFC 3986 §2.1 allows every octet in a name.
    #[test]
    fn a_line_break_in_the_name_of_an_object_is_a_character_like_others() {
        let name = "20210609T084907Z-@synaps-web\n.ics";
        let path = format!("/dav/calendars/alice/work/{}", encode_segment(name));
        assert!(path.ends_with("-%40synaps-web%0A.ics"), "{path}");
        assert_eq!(Path::parse(&path), Ok(home("alice", &["work", name])));
        for path in [
            "/dav/calendars/alice/work%0A/",
            "/dav/calendars/al%0Dice/",
            "/dav/calendars/alice/work/a/b%0A",
            "/dav/calendars/alice/work/%00",
        ] {
            assert_eq!(Path::parse(path), Err(Malformed::Encoding), "{path}");
        }
    }

    #[test]
    fn a_destination_on_another_host_is_another_servers() {
        let site = Site { base_path: "/cal".into(), external_authority: None };
        let hrefs = Hrefs::new(&site);
        let ours = ["dav.example.org:8443", "localhost"];
        let target = Target::Path(home("alice", &["work"]));
        for href in [
            "/cal/dav/calendars/alice/work/",
            " /cal/dav/calendars/alice/work ",
            "http://localhost/cal/dav/calendars/alice/work/",
            "http://localhost:80/cal/dav/calendars/alice/work/",
            "https://LOCALHOST:443/cal/dav/calendars/alice/work/",
            "https://dav.example.org:8443/cal/dav/calendars/alice/work/",
        ] {
            assert_eq!(hrefs.read(href, &ours), Ok(target.clone()), "{href}");
        }
        for href in [
            "https://evil.example/cal/dav/",
            "http://localhost:81/cal/",
            "http://localhost@evil.example/cal/",
            "http://x@localhost/cal/",
            "ftp://localhost/cal/dav/",
        ] {
            assert_eq!(hrefs.read(href, &ours), Ok(Target::OtherServer), "{href}");
        }
        for href in ["", "//evil.example/dav/", "dav/calendars/", "http:", "/cal/dav/?x", "/cal/dav/#x"] {
            assert!(hrefs.read(href, &ours).is_err(), "{href}");
        }
        for href in ["/dav/calendars/alice/work/", "/calx/dav/", "/cal/dav/calendars/bob/%2e%2e/alice/"] {
            assert_eq!(hrefs.read(href, &ours), Ok(Target::Path(Path::Nothing)), "{href}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn every_name_survives_the_round(name in "[^/\\\\\\p{C}]{1,60}") {
            prop_assume!(name != "." && name != ".." && name.len() <= 255);
            let parsed = Path::parse(&format!("/dav/calendars/alice/work/{}", encode_segment(&name)));
            prop_assert_eq!(parsed, Ok(home("alice", &["work", &name])));
        }

        #[test]
        fn any_path_is_read_without_a_panic(path in "[/%.a-f0-9\\\\é;:@ ]{0,60}") {
            let _ = Path::parse(&path);
            let site = Site::default();
            let _ = Hrefs::new(&site).read(&path, &["localhost"]);
        }
    }

    #[test]
    fn hrefs_stand_under_the_base_path() {
        let site = Site { base_path: "/cal".into(), external_authority: None };
        let hrefs = Hrefs::new(&site);
        assert_eq!(hrefs.fixed(Fixed::Users), "/cal/dav/principals/users/");
        assert_eq!(hrefs.principal(PrincipalKind::Group, "team"), "/cal/dav/principals/groups/team/");
        assert_eq!(hrefs.home("alice"), "/cal/dav/calendars/alice/");
        assert_eq!(hrefs.member("alice", "wörk"), "/cal/dav/calendars/alice/w%C3%B6rk/");
        let parents: Vec<_> = ["/dav/calendars/alice/work/1.ics", "/dav/calendars/alice/", "/dav/principals/users/alice/", "/dav/"]
            .iter()
            .map(|path| Path::parse(path).unwrap().parent())
            .collect();
        assert_eq!(parents, [Some(home("alice", &["work"])), Some(Path::Fixed(Fixed::Calendars)), Some(Path::Fixed(Fixed::Users)), None]);
    }
}
