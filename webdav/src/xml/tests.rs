//! What is read, what is refused, and that writing and reading agree.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use super::read::{Attribute, Element, Node, parse};
use crate::dispatch::Limits;
use crate::error::Error;
use crate::xml::Name;
use http::StatusCode;
use proptest::prelude::*;

fn read(text: &str) -> Element {
    parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn refused(text: &str) -> StatusCode {
    match parse(text.as_bytes(), &Limits::default()) {
        Ok(element) => panic!("{text:.80} was read as {:?}", element.name),
        Err(error) => error.status(),
    }
}

#[test]
fn prefixes_mean_nothing_and_namespaces_everything() {
    let plain = read("<propfind xmlns=\"DAV:\"><prop><getetag/></prop></propfind>");
    let prefixed =
        read("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<x:propfind xmlns:x='DAV:'><x:prop><x:getetag/></x:prop></x:propfind>\n");
    assert_eq!(plain, prefixed);
    assert!(plain.name.is_dav("propfind"));
    assert!(plain.dav("prop").unwrap().dav("getetag").is_some());
    assert!(plain.child(&Name::caldav("prop")).is_none());
}

#[test]
fn text_cdata_and_references_are_one_text() {
    let element = read("<a> 1 &lt;<![CDATA[&amp;<b>]]>&#233;&#x20AC;&quot;\r\n</a>");
    assert_eq!(element.content, [Node::Text(" 1 <&amp;<b>é€\"\n".into())]);
    assert_eq!(element.trimmed_text(), "1 <&amp;<b>é€\"");
    // What was kept of a property with an empty section was not what was read of it again.
    assert_eq!(read("<a><b/><![CDATA[]]></a>").content.len(), 1);
}

#[test]
fn an_attribute_without_a_prefix_is_in_no_namespace_and_xml_lang_is_known() {
    let element = read("<a xmlns='DAV:' xmlns:n='urn:n' name='1' n:name='2' xml:lang='de'/>");
    assert_eq!(element.attribute("name"), Some("1"));
    assert_eq!(element.language(), Some("de"));
    assert_eq!(element.attributes.len(), 3);
}

#[test]
fn what_is_not_well_formed_is_400() {
    for text in [
        "",
        "   ",
        "text",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>text",
        "<a b='1' b='2'/>",
        "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
        "<p:a/>",
        "<a p:b='1'/>",
        "<a xmlns:p=''/>",
        "<a><p:b xmlns:p=''/></a>",
        "<a>&unknown;</a>",
        "<a b='&unknown;'/>",
        "<a b='<'/>",
        "<a>&#0;</a>",
        "<a>&#xFFFFFF;</a>",
        "<a>\u{1}</a>",
        "<a b='&#1;'/>",
        "<1a/>",
        "<a\"b/>",
        "<?xml version='1.0' encoding='iso-8859-1'?><a/>",
    ] {
        assert_eq!(refused(text), StatusCode::BAD_REQUEST, "{text:?}");
    }
    assert!(parse(b"<a>\xff</a>", &Limits::default()).is_err());
}

#[test]
fn leak_109_nothing_can_expand() {
    let laughs = "<!DOCTYPE a [<!ENTITY l \"ha\"><!ENTITY m \"&l;&l;&l;&l;\">]><a>&m;</a>";
    assert_eq!(refused(laughs), StatusCode::BAD_REQUEST);
    assert_eq!(refused("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>"), StatusCode::BAD_REQUEST);
    assert_eq!(refused("<a xmlns:x='&l;'/>"), StatusCode::BAD_REQUEST);
}

#[test]
fn a_tree_of_300_000_levels_costs_neither_stack_nor_time() {
    let deep = "<a>".repeat(300_000);
    assert_eq!(refused(&deep), StatusCode::BAD_REQUEST);
    let limits = Limits { xml_depth_max: usize::MAX, ..Limits::default() };
    assert!(parse(deep.as_bytes(), &limits).is_err());
}

#[test]
fn twenty_thousand_namespaces_are_refused() {
    let many: String = (0..20_000).map(|n| format!(" xmlns:n{n}='urn:{n}'")).collect();
    assert_eq!(refused(&format!("<a{many}/>")), StatusCode::BAD_REQUEST);
    let nested: String = (0..60).map(|n| format!("<a xmlns:n{n}='urn:{n}'>")).collect();
    assert_eq!(refused(&nested), StatusCode::BAD_REQUEST);
}

#[test]
fn too_many_elements_or_bytes_are_413() {
    let limits = Limits { xml_elements_max: 100, ..Limits::default() };
    let body = format!("<a>{}</a>", "<b/>".repeat(100));
    assert_eq!(parse(body.as_bytes(), &limits).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(parse(body.replacen("<b/>", "", 1).as_bytes(), &limits).is_ok());
    let limits = Limits { xml_bytes_max: 10, ..Limits::default() };
    assert!(matches!(parse(b"<a>12345</a>", &limits), Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE))));
}

fn names() -> impl Strategy<Value = Name> {
    (prop::sample::select(vec!["", "DAV:", "urn:x", "http://ex.org/a&b\"<>"]), "[A-Za-zé_][A-Za-z0-9._-]{0,6}")
        .prop_map(|(namespace, local)| Name::new(namespace, local))
}

fn text() -> impl Strategy<Value = String> {
    "[ -~éß€\\t\\n\\r😀]{1,12}"
}

fn trees() -> impl Strategy<Value = Element> {
    let attributes = prop::collection::vec((names(), text()), 0..3)
        .prop_map(|all| {
            let mut kept: Vec<Attribute> = Vec::new();
            for (name, value) in all {
                if !name.local.starts_with("xml") && kept.iter().all(|a| a.name != name) {
                    kept.push(Attribute { name, value });
                }
            }
            kept
        })
        .boxed();
    let leaf = (names(), attributes.clone()).prop_map(|(name, attributes)| Element { name, attributes, content: Vec::new() });
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let node = prop_oneof![inner.prop_map(Node::Element), text().prop_map(Node::Text)];
        (names(), attributes.clone(), prop::collection::vec(node, 0..4)).prop_map(|(name, attributes, content)| {
            // Neighbouring texts are one text in a document.
            let mut joined: Vec<Node> = Vec::new();
            for node in content {
                match (joined.last_mut(), node) {
                    (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
                    (_, node) => joined.push(node),
                }
            }
            Element { name, attributes, content: joined }
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_reads_back_alike(tree in trees()) {
        let xml = tree.to_xml();
        prop_assert_eq!(parse(xml.as_bytes(), &Limits::default()).unwrap(), tree.clone());
        // Also in the middle of an answer, under other names.
        let mut writer = crate::xml::Writer::document(&Name::dav("prop"));
        writer.start(&Name::new("urn:other", "x"));
        writer.written(&xml);
        writer.end(&Name::new("urn:other", "x"));
        writer.end(&Name::dav("prop"));
        let document = parse(writer.as_str().as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(document.children().next().unwrap().children().next().unwrap(), &tree);
    }

    #[test]
    fn reading_anything_ends_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &Limits::default());
    }

    #[test]
    fn reading_nearly_xml_ends_without_a_panic(text in "(<[/!?a:]{0,3}|>|&[#ax0-9]{0,4};|[ a='\"]){0,40}") {
        let _ = parse(text.as_bytes(), &Limits::default());
    }
}
