//! Paths that are read and written, each character of a name, and what leads elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use super::{Fixed, Hrefs, Malformed, Path, Target, encode_segment, push_segment, segment};
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
    for path in
        ["/dav/calendars/alice/work%0A/", "/dav/calendars/al%0Dice/", "/dav/calendars/alice/work/a/b%0A", "/dav/calendars/alice/work/%00"]
    {
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

fn pushed(name: &str) -> String {
    let mut href = String::new();
    push_segment(&mut href, name);
    href
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_name_survives_the_round(name in "[^/\\\\\\p{C}]{1,60}") {
        prop_assume!(name != "." && name != ".." && name.len() <= 255);
        let parsed = Path::parse(&format!("/dav/calendars/alice/work/{}", encode_segment(&name)));
        prop_assert_eq!(parsed, Ok(home("alice", &["work", &name])));
        prop_assert_eq!(pushed(&name), encode_segment(&name));
    }

    #[test]
    fn a_segment_says_the_same_whether_or_not_a_byte_of_it_is_escaped(name in "[A-Za-z0-9_.~@-]{1,300}|\\.{1,3}", at in any::<prop::sample::Index>()) {
        let at = at.index(name.len());
        let escaped = format!("{}%{:02x}{}", &name[..at], name.as_bytes()[at], &name[at + 1..]);
        prop_assert_eq!(segment(&name), segment(&escaped));
        prop_assert_eq!(pushed(&name), encode_segment(&name));
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
