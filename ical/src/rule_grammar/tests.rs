//! Rules that are read, and rules that are not.

#![expect(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]

use super::*;

#[test]
fn a_rule_is_read_in_any_case_and_order() {
    let rule = parse_rule("byday=-1su,+2MO;Count=007;INTERVAL=2;freq=Monthly;wkst=SU;").unwrap();
    assert_eq!((rule.frequency, rule.interval, rule.count, rule.until), (Frequency::Monthly, 2, Some(7), None));
    assert_eq!(rule.parts, [("BYDAY".to_owned(), "-1SU,+2MO".to_owned()), ("WKST".to_owned(), "SU".to_owned())]);
    assert_eq!(parse_rule("FREQ=DAILY;COUNT=99999999999").unwrap().count, Some(u32::MAX));
    let until = |value: &str| parse_rule(&format!("FREQ=DAILY;UNTIL={value}")).unwrap().until.unwrap();
    assert!(matches!(until("20260101"), Until::Date(_)));
    assert!(matches!(until("20260101T000000"), Until::Local(_)));
    assert!(matches!(until("20260101T000000Z"), Until::Utc(_)));
}

#[test]
fn the_gregorian_calendar_may_be_named() {
    let plain = parse_rule("FREQ=MONTHLY;BYMONTHDAY=31");
    assert!(plain.is_some());
    assert_eq!(parse_rule("RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=OMIT"), plain);
    for other in ["RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=31;SKIP=FORWARD", "RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L"] {
        assert_eq!(parse_rule(other), None, "{other}");
    }
}

#[test]
fn a_rule_that_readers_could_take_for_different_things_is_refused() {
    for wrong in [
        "",
        ";",
        "INTERVAL=2",
        "FREQ",
        "FREQ=",
        "FREQ=NEVER",
        "FREQ=DAILY;;COUNT=2",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=DAILY;COUNT=",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=2;UNTIL=20260101",
        "FREQ=DAILY;UNTIL=soon",
        "FREQ=DAILY;BYHOUR=24",
        "FREQ=DAILY;BYHOUR=+1",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=5L",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=-32",
        "FREQ=MONTHLY;BYMONTHDAY=1,,2",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=XX",
        "FREQ=MONTHLY;BYDAY=M",
        "FREQ=MONTHLY;BYDAY=ÄMO",
        "FREQ=YEARLY;BYEASTER=1",
        "FREQ=YEARLY;RSCALE=CHINESE",
        "FREQ=YEARLY;X-PART=1",
        "FREQ=YEARLY;WKST=1MO",
    ] {
        assert_eq!(parse_rule(wrong), None, "{wrong}");
    }
    assert_eq!(parse_rule(&format!("FREQ=DAILY;BYHOUR={}1", "1,".repeat(4000))), None);
}
