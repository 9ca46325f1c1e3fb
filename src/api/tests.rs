//! The table of routes and that of refusals, as tables.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]
use super::*;
use std::collections::BTreeSet;

#[test]
fn every_row_is_well_formed_and_stands_once() {
    let mut seen = BTreeSet::new();
    for row in ROUTES {
        assert!(["GET", "PUT", "POST", "DELETE"].contains(&row.method), "{row:?}");
        assert!(seen.insert((row.method, row.pattern)), "{row:?}");
        assert!(!row.pattern.starts_with('/') && !row.pattern.ends_with('/') && !row.summary.is_empty(), "{row:?}");
        let names: Vec<&str> = row.pattern.split('/').filter(|part| part.starts_with('{')).collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len(), "{row:?}");
    }
}

/// Two patterns that fit one path would make the order of the table a rule that nobody sees.
#[test]
fn no_path_fits_two_patterns_of_one_method() {
    for row in ROUTES {
        let path: Vec<String> = row.pattern.split('/').filter(|part| !part.is_empty()).map(|part| part.replace(['{', '}'], "")).collect();
        let Found::Route(found, _) = route::find(row.method, &path) else { panic!("{row:?} is not reached by its own pattern") };
        assert_eq!((found.method, found.pattern), (row.method, row.pattern));
    }
}

#[test]
fn every_refusal_has_its_word_status_and_advice() {
    let mut words = BTreeSet::new();
    for kind in Kind::ALL {
        assert!(words.insert(kind.word()), "{kind:?}");
        assert_eq!(Kind::from_word(kind.word()), Some(kind));
        let shown = kind.describe("/cal");
        assert_eq!(shown["type"], format!("/cal/api/v1/problems/{}", kind.word()));
        assert_eq!(shown["status"], kind.status().as_u16());
        assert!(shown["detail"].as_str().unwrap().ends_with('.'), "{shown}");
    }
    assert_eq!(Kind::from_word("nothing"), None);
    assert_eq!(Kind::of_status(StatusCode::IM_A_TEAPOT), Kind::Internal);
}
