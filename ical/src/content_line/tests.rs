//! Content lines: what is accepted, what is refused, and that nothing is lost on the way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a failed parse is the failure of the test"
)]

use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

fn read(text: &str) -> Result<Component, ParseError> {
    parse(text, &ParseLimits::default())
}

/// The lines of one VEVENT with this text inside.
fn lines(inner: &str) -> Result<Vec<ContentLine>, &'static str> {
    read(&format!("BEGIN:VEVENT\r\n{inner}END:VEVENT\r\n")).map(|component| component.lines).map_err(|error| error.reason)
}

fn line(inner: &str) -> ContentLine {
    lines(inner).unwrap().remove(0)
}

#[test]
fn a_line_is_split_into_name_parameters_and_value() {
    let attendee = line("Attendee;cn=\"Adams; Alice: A, B\";MEMBER=\"mailto:a\",\"mailto:b\";x-p=:mailto:alice@example.com\r\n");
    assert_eq!(attendee.name, "ATTENDEE");
    assert_eq!(attendee.parameter("CN"), Some("Adams; Alice: A, B"));
    assert_eq!(attendee.parameters[1].values, ["mailto:a", "mailto:b"]);
    assert_eq!(attendee.parameter("X-P"), Some(""));
    assert_eq!(attendee.value, "mailto:alice@example.com");
}

#[test]
fn carets_in_parameter_values_are_decoded_once() {
    let attendee = line("ATTENDEE;CN=George Herman ^'Babe^' Ruth^nNew^^nYork ^x^:mailto:babe@example.com\r\n");
    assert_eq!(attendee.parameter("CN"), Some("George Herman \"Babe\" Ruth\nNew^nYork ^x^"));
}

#[test]
fn folds_are_undone_wherever_they_stand() {
    let folded = line("SUMM\r\n ARY;LANG\r\n\tUAGE=e\r\n n:Gr\r\n ü\r\n  ße\r\n \r\n");
    assert_eq!((folded.name.as_str(), folded.value.as_str()), ("SUMMARY", "Grü ße"));
    assert_eq!(folded.parameter("LANGUAGE"), Some("en"));
}

#[test]
fn line_ends_may_be_bare_newlines_mixed_empty_or_missing_at_the_end() {
    let text = "\u{feff}\r\nBEGIN:VEVENT\nUID:1\r\n\r\n\nSUMMARY:x\n y\nEND:VEVENT";
    let event = read(text).unwrap();
    assert_eq!(event.lines.iter().map(|line| line.value.as_str()).collect::<Vec<_>>(), ["1", "xy"]);
    assert_eq!(&text[event.lines[0].span.clone()], "UID:1\r\n\r\n\n");
    assert_eq!(&text[event.lines[1].span.clone()], "SUMMARY:x\n y\n");
    assert_eq!(&text[event.end_span.clone()], "END:VEVENT");
    assert_eq!(&text[event.span.clone()], &text["\u{feff}\r\n".len()..]);
}

#[test]
fn what_readers_disagree_about_is_refused() {
    for (inner, reason) in [
        ("SUMMARY:a\rCLASS:PUBLIC\r\n", "a control character"),
        ("SUMMARY:a\r\r\n", "a control character"),
        ("SUMMARY:a\0b\r\n", "a control character"),
        ("SUMMARY:a\u{b}b\r\n", "a control character"),
        ("SUMMARY:a\u{7f}b\r\n", "a control character"),
        ("SUMMARY:a\r\n\r\n b\r\n", "a continuation of an empty line"),
        ("SUMMARY\r\n", "a line without a colon"),
        (":x\r\n", "a line without a property name"),
        ("SUM MARY:x\r\n", "a line without a colon"),
        ("SUMMÄRY:x\r\n", "a line without a colon"),
        ("SUMMARY;:x\r\n", "a parameter without a name"),
        ("SUMMARY;A:x\r\n", "a parameter without a value"),
        ("SUMMARY;A=\"x:y\r\n", "a quoted parameter value without its end"),
        ("SUMMARY;A=\"x\"y:z\r\n", "a malformed parameter value"),
        ("SUMMARY;A=x\"y\":z\r\n", "a malformed parameter value"),
        ("SUMMARY;A=x\r\n", "a malformed parameter value"),
        ("BEGIN;X=1:VALARM\r\n", "a parameter on BEGIN or END"),
        ("BEGIN:\r\n", "malformed component name"),
        ("BEGIN:VALARM \r\n", "malformed component name"),
        ("BEGIN:VALARM\r\n", "END does not match BEGIN"),
        ("END:VALARM\r\n", "END does not match BEGIN"),
    ] {
        assert_eq!(lines(inner), Err(reason), "{inner:?}");
    }
    for (text, reason) in [
        ("", "expected exactly one top-level component"),
        (" BEGIN:VEVENT\nEND:VEVENT", "a continuation of nothing"),
        ("BEGIN:VEVENT\n", "BEGIN without END"),
        ("END:VEVENT\n", "END without BEGIN"),
        ("UID:1\nBEGIN:VEVENT\nEND:VEVENT\n", "a property outside of any component"),
        ("BEGIN:VEVENT\nEND:VEVENT\nUID:1\n", "a property outside of any component"),
        ("BEGIN:VEVENT\nEND:VEVENT\nBEGIN:VEVENT\nEND:VEVENT\n", "expected exactly one top-level component"),
    ] {
        assert_eq!(read(text).map_err(|error| error.reason), Err(reason), "{text:?}");
    }
}

/// An iPhone puts the place's address into a parameter and escapes its semicolon as if it stood in a value.
#[test]
fn a_client_s_own_line_may_have_parameters_that_nobody_can_read() {
    for written in [
        "X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE=Main Street 1\\; 4041 Linz;X-APPLE-RADIUS=70.5:geo:48.3,14.2\r\n",
        "X-PLACE;X-TITLE=The \"Terrace\":geo:48.3,14.2\r\n",
        "X-PLACE;;:geo:48.3,14.2\r\n",
    ] {
        let line = line(written);
        assert!(line.name.starts_with("X-") && line.parameters.is_empty() && line.value.ends_with("geo:48.3,14.2"), "{line:?}");
        assert!(lines(&written.replacen("X-", "", 1)).is_err(), "of a property that means something to others it is refused");
    }
    assert_eq!(lines("X-PLACE;X-TITLE=a\\; b\r\n").unwrap_err(), "a line without a colon");
}

#[test]
fn an_error_names_the_physical_line() {
    let error = read("BEGIN:VEVENT\r\nSUMMARY:a\r\n b\r\n\r\nNONSENSE\r\nEND:VEVENT\r\n").unwrap_err();
    assert_eq!(error, ParseError { line: 5, reason: "a line without a colon" });
    assert_eq!(error.to_string(), "line 5: a line without a colon");
}

/// A title with a line end in it stays one line when escaped, and is refused when not: it never becomes a property.
#[test]
fn a_title_cannot_inject_a_property() {
    let escaped = escape_text("x\r\nCLASS:PUBLIC");
    assert_eq!(escaped, "x\\nCLASS:PUBLIC");
    let injected = read(&format!("BEGIN:VEVENT\r\nSUMMARY:{escaped}\r\nEND:VEVENT\r\n")).unwrap();
    assert_eq!(injected.line("CLASS"), None);
    let folded = read("BEGIN:VEVENT\r\nSUMMARY:x\r\n CLASS:PUBLIC\r\nEND:VEVENT\r\n").unwrap();
    assert_eq!(folded.line("SUMMARY").unwrap().value, "xCLASS:PUBLIC");
    assert_eq!(folded.lines.len(), 1);
}

#[test]
fn limits_are_errors_and_never_truncate() {
    let limits =
        ParseLimits { bytes_max: 200, lines_max: 6, line_bytes_max: 30, depth_max: 2, components_max: 3, parameters_max: 2, zones_max: 1 };
    let refused = |text: &str| parse(text, &limits).map_err(|error| error.reason).err();
    assert_eq!(refused("BEGIN:A\nBEGIN:B\nX;A=1;B=2:3\nEND:B\nEND:A\n"), None);
    assert_eq!(refused(&format!("BEGIN:A\nX:{}\nEND:A\n", "y".repeat(200))), Some("more bytes than the limit"));
    assert_eq!(refused("BEGIN:A\nX:1\nX:1\nX:1\nX:1\nX:1\nEND:A\n"), Some("more lines than the limit"));
    assert_eq!(refused(&format!("BEGIN:A\nX:{}\nEND:A\n", "y".repeat(29))), Some("a line longer than the limit"));
    assert_eq!(refused(&format!("BEGIN:A\nX:1{}\nEND:A\n", "\n y".repeat(29))), Some("a line longer than the limit"));
    assert_eq!(refused("BEGIN:A\nBEGIN:B\nBEGIN:C\nEND:C\nEND:B\nEND:A\n"), Some("components nested deeper than the limit"));
    assert_eq!(refused("BEGIN:A\nX;A=1;B=2;C=3:4\nEND:A\n"), Some("more parameters than the limit"));
    let few = ParseLimits { components_max: 1, ..ParseLimits::default() };
    assert_eq!(parse("BEGIN:A\nBEGIN:B\nEND:B\nEND:A\n", &few).unwrap_err().reason, "more components than the limit");
}

#[test]
fn monstrous_texts_are_read_or_refused_in_linear_time() {
    let nested = "BEGIN:VEVENT\r\n".repeat(100_000);
    assert_eq!(read(&nested).unwrap_err(), ParseError { line: 9, reason: "components nested deeper than the limit" });
    let closed = format!("{nested}{}", "END:VEVENT\r\n".repeat(100_000));
    assert_eq!(read(&closed).unwrap_err().reason, "components nested deeper than the limit");

    let limits = ParseLimits { line_bytes_max: 16 << 20, bytes_max: 64 << 20, ..ParseLimits::default() };
    let long = format!("BEGIN:VEVENT\r\nX:{}\r\nEND:VEVENT\r\n", "y".repeat(10 << 20));
    assert_eq!(parse(&long, &limits).unwrap().lines[0].value.len(), 10 << 20);
    assert_eq!(
        parse(&long, &ParseLimits { bytes_max: 64 << 20, ..ParseLimits::default() }).unwrap_err().reason,
        "a line longer than the limit"
    );

    let folded = format!("BEGIN:VEVENT\r\nX:{}\r\nEND:VEVENT\r\n", "y\r\n ".repeat(1 << 20));
    assert_eq!(parse(&folded, &limits).unwrap().lines[0].value.len(), 1 << 20);

    let empty = format!("BEGIN:VEVENT{}END:VEVENT\r\n", "\r\n".repeat(1 << 20));
    assert_eq!(read(&empty).unwrap().span.len(), empty.len());

    let carets = format!("BEGIN:VEVENT\r\nX;A={}:y\r\nEND:VEVENT\r\n", "^".repeat(1 << 20));
    assert_eq!(read(&carets).unwrap().lines[0].parameter("A").unwrap().len(), 1 << 19);
}

#[test]
fn text_is_escaped_and_unescaped() {
    assert_eq!(unescape_text("a\\, b\\; c\\\\n\\nd\\Ne\\\"f\\"), "a, b; c\\n\nd\ne\"f\\");
    assert_eq!(escape_text("a, b; c\\n\nd\u{0}\u{85}\te:f\"g"), "a\\, b\\; c\\\\n\\nd\te:f\"g");
}

/// The spans of the direct parts of a component, joined: its own bytes.
fn joined(text: &str, component: &Component) -> String {
    let mut spans: Vec<Range<usize>> = component.lines.iter().map(|line| line.span.clone()).collect();
    spans.extend(component.components.iter().map(|part| part.span.clone()));
    spans.sort_by_key(|span| span.start);
    let begin = spans.first().map_or(component.end_span.start, |first| first.start);
    spans.insert(0, component.span.start..begin);
    spans.push(component.end_span.clone());
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
    for part in &component.components {
        assert_eq!(joined(text, part), text[part.span.clone()]);
    }
    spans.into_iter().map(|span| &text[span]).collect()
}

/// A calendar of arbitrary lines, some of them folded, with either line end.
fn calendars() -> impl Strategy<Value = String> {
    let end = prop_oneof![Just("\r\n"), Just("\n"), Just("\r\n\r\n")];
    let line = (prop_oneof!["[A-Z-]{1,8}", "[A-Z]{1,4};[A-Z]{1,4}=\"[ -!#-~]{0,8}\""], "[ -~äß€\t]{0,20}", end);
    let lines = prop::collection::vec(line, 0..12);
    (lines.clone(), lines, any::<bool>()).prop_map(|(outer, inner, has_last_end)| {
        let print = |lines: &[(String, String, &str)]| -> String {
            let names = lines.iter().filter(|(name, _, _)| name != "BEGIN" && name != "END");
            names
                .map(|(name, value, end)| {
                    format!("{name}:{value}{}", end.replacen("\r\n", if value.len() > 9 { "\r\n z\r\n" } else { "\r\n" }, 1))
                })
                .collect()
        };
        format!("BEGIN:A\r\n{}BEGIN:B\n{}END:B\r\nEND:A{}", print(&outer), print(&inner), if has_last_end { "\r\n" } else { "" })
    })
}

static READ: AtomicUsize = AtomicUsize::new(0);

#[test]
fn mutated_texts_never_panic_and_no_byte_is_lost() {
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[7; 32]),
    );
    let junk = prop::collection::vec(
        (any::<prop::sample::Index>(), prop_oneof!["[\\PC]", "[\r\n\t\0\";:,=^ ]{1,3}", "BEGIN:A\n", "END:A\n"]),
        0..4,
    );
    runner
        .run(&(calendars(), junk), |(mut text, junk)| {
            let mutated = !junk.is_empty();
            for (position, insertion) in junk {
                let position = position.index(text.len() + 1);
                let position = (0..=position).rev().find(|position| text.is_char_boundary(*position)).unwrap();
                text.insert_str(position, &insertion);
            }
            match parse_stream(&text, &ParseLimits::default()) {
                Ok(components) => {
                    let all: String = components.iter().map(|component| joined(&text, component)).collect();
                    prop_assert_eq!(all, text.trim_start_matches(['\u{feff}', '\r', '\n']));
                    READ.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => prop_assert!(mutated, "{} in {:?}", error, text),
            }
            Ok(())
        })
        .unwrap();
    let read = READ.load(Ordering::Relaxed);
    eprintln!("{read} of 1500 generated texts read and put together again");
    assert!(read > 400);
}
