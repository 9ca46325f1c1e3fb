//! How CLASS is read, and records.

use super::*;
use ical::content_line::{ParseLimits, parse};

fn class_of(lines: &str) -> Option<Class> {
    let text = format!("BEGIN:VEVENT\r\nUID:1\r\n{lines}END:VEVENT\r\n");
    parse(&text, &ParseLimits::default()).ok().map(|component| Class::of(&component))
}

#[test]
fn what_cannot_be_read_is_private() {
    let table = [
        ("", Class::Absent),
        ("CLASS:PUBLIC\r\n", Class::Public),
        ("class:public\r\n", Class::Public),
        ("CLASS:Confidential\r\n", Class::Confidential),
        ("CLASS:private\r\n", Class::Private),
        ("CLASS;X-WHY=habit:PUBLIC\r\n", Class::Public),
        ("CLA\r\n SS:PUB\r\n LIC\r\n", Class::Public),
        ("CLASS:\r\n", Class::Private),
        ("CLASS:X-BOARD-ONLY\r\n", Class::Private),
        ("CLASS:PUBLIC,PRIVATE\r\n", Class::Private),
        ("CLASS: PUBLIC\r\n", Class::Private),
        ("CLASS:PUBLIC\r\nCLASS:PUBLIC\r\n", Class::Private),
        ("CLASS:PUBLIC\r\nCLASS:CONFIDENTIAL\r\n", Class::Private),
    ];
    for (lines, class) in table {
        assert_eq!(class_of(lines), Some(class), "{lines:?}");
    }
}

#[test]
fn a_component_that_is_not_recorded_is_private() {
    let id = |text: &str| Some(RecurrenceId(text.to_owned()));
    let record = PrivacyRecord::new([
        (id("20261130"), EventPrivacy::Confidential),
        (None, EventPrivacy::Standard),
        (id("20261123"), EventPrivacy::Public),
    ]);
    assert_eq!(record.of(None), EventPrivacy::Standard);
    assert_eq!(record.of(id("20261123").as_ref()), EventPrivacy::Public);
    assert_eq!(record.of(id("20261124").as_ref()), EventPrivacy::Private);
    assert_eq!(record.strictest(), Some(EventPrivacy::Confidential));
    assert_eq!(PrivacyRecord::default().of(None), EventPrivacy::Private);
    let keys: Vec<_> = record.components.iter().map(|(key, _)| key.as_deref()).collect();
    assert_eq!(keys, [None, Some("20261123"), Some("20261130")]);
}

#[test]
fn of_two_the_stricter_holds_whichever_comes_first() {
    for one in EventPrivacy::ALL {
        for other in EventPrivacy::ALL {
            assert_eq!(one.stricter(other), other.stricter(one));
            assert!(one.stricter(other).strictness() >= one.strictness().max(other.strictness()));
        }
    }
}

#[test]
fn a_record_rises_to_what_is_known_and_not_to_what_it_says_itself() {
    use EventPrivacy::{Confidential, Private, Standard};
    let record = |privacies: &[EventPrivacy]| {
        let ids = [None, Some(RecurrenceId("20261111T090000Z".to_owned()))];
        PrivacyRecord::new(ids.into_iter().zip(privacies.iter().copied()))
    };
    assert_eq!(record(&[Standard, Standard]).at_least(None), record(&[Standard, Standard]));
    assert_eq!(record(&[Standard, Standard]).at_least(Some(Private)), record(&[Private, Private]));
    assert_eq!(record(&[Standard, Confidential]).at_least(Some(Private)), record(&[Private, Private]));
    // A series of which one instance is private is known by that instance.
    assert_eq!(record(&[Standard, Private]).at_least(Some(Private)), record(&[Standard, Private]));
}
