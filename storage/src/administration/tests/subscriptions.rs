//! Subscriptions in an administrator's hands: he keeps them, and shares them with nobody.

use super::*;
use crate::authorized::PropertyKey;
use crate::keys::{self, PlainId, PropertyHolder};
use crate::properties;
use crate::read::records;
use crate::record::PlainRecord;
use acl::PrincipalId;

const FEED: &str = "https://feeds.example/news.ics?token=secret";

fn news() -> SubscriptionEntry {
    SubscriptionEntry {
        owner: "alice".into(),
        name: "news".into(),
        source: Some(FEED.into()),
        display_name: Some("News".into()),
        color: Some("#FF0000FF".into()),
        refresh_rate: Some("P1D".into()),
        strip_alarms: Some(true),
        strip_attachments: None,
        strip_todos: Some(true),
    }
}

fn file(subscription: SubscriptionEntry) -> ApplyFile {
    ApplyFile { subscriptions: vec![subscription], ..ApplyFile::default() }
}

#[test]
fn they_are_exported_and_applied_to_another_store() {
    let fixture = fixture();
    fixture.apply(&company());
    assert_eq!(fixture.apply(&file(news())), ["subscription alice/news: added"]);
    assert_eq!(fixture.apply(&file(news())), Vec::<String>::new());
    let exported = fixture.administration.export_apply_file(None).unwrap();
    assert_eq!(exported.subscriptions, [news()]);
    assert_eq!(fixture.administration.export_apply_file(Some("bob")).unwrap().subscriptions, []);
    let other = super::fixture();
    other.apply(&exported);
    assert_eq!(other.administration.export_apply_file(Some("alice")).unwrap().subscriptions, [news()]);
    assert_eq!((fixture.faults(), other.faults()), (Vec::new(), Vec::new()));
}

#[test]
fn a_change_is_told_without_the_address() {
    let fixture = fixture();
    fixture.apply(&company());
    fixture.apply(&file(news()));
    let changed = SubscriptionEntry {
        source: Some("webcal://other.example/x".into()),
        color: Some(String::new()),
        strip_todos: Some(false),
        ..news()
    };
    let told = fixture.apply(&file(changed.clone()));
    let subject = "subscription alice/news:";
    assert_eq!(
        told,
        [
            format!("{subject} source changed"),
            format!("{subject} color \"#FF0000FF\" -> none"),
            format!("{subject} strip to-dos true -> false"),
        ]
    );
    let kept = SubscriptionEntry { color: None, strip_todos: None, ..changed };
    assert_eq!(fixture.administration.export_apply_file(None).unwrap().subscriptions, [kept]);
    assert!(!format!("{:?}", file(news())).contains("secret"));
}

#[test]
fn what_cannot_be_one_is_refused() {
    let fixture = fixture();
    fixture.apply(&company());
    assert!(fixture.refused(&file(SubscriptionEntry { source: None, ..news() })).contains("source is missing"));
    for source in ["file:///etc/passwd", "javascript:alert(1)", "feeds.example/x", "https://x.example/a b", ""] {
        let refused = fixture.refused(&file(SubscriptionEntry { source: Some(source.into()), ..news() }));
        assert!(refused.contains("begins with https://"), "{source}: {refused}");
    }
    assert!(fixture.refused(&file(SubscriptionEntry { name: "work".into(), ..news() })).contains("no subscription"));
    assert!(fixture.refused(&file(SubscriptionEntry { name: "a/b".into(), ..news() })).contains("path segment"));
    assert!(fixture.refused(&file(SubscriptionEntry { owner: "nobody".into(), ..news() })).contains("no user"));
    let both = ApplyFile { calendars: vec![calendar("alice", "news")], ..file(news()) };
    assert!(fixture.refused(&both).contains("in the file before"));
    fixture.apply(&file(news()));
    assert!(fixture.refused(&ApplyFile { calendars: vec![calendar("alice", "news")], ..ApplyFile::default() }).contains("there already"));
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn a_subscription_is_not_shared_and_the_refusal_says_why() {
    let fixture = fixture();
    fixture.apply(&company());
    fixture.apply(&file(news()));
    let refused = fixture.administration.set_grant(&grant("alice/news", "bob", Level::Details)).unwrap_err().to_string();
    assert!(refused.contains("alice/news is a subscription") && refused.contains("cannot be shared"), "{refused}");
    let refused = fixture.administration.import("alice", "news", &[event("one", "")]).unwrap_err().to_string();
    assert!(refused.contains("is a subscription"), "{refused}");
}

/// What is done to a record: by its owner, its key and itself.
type Damage = dyn Fn(&mut crate::read::Transaction<'_>, PrincipalId, &[u8], &PlainRecord);

#[test]
fn a_subscription_that_has_lost_its_source_or_its_place_is_found() {
    let fixture = fixture();
    fixture.apply(&company());
    fixture.apply(&file(news()));
    let place = |snapshot: &crate::store::Snapshot<'_>| {
        let (key, record) = records::<PlainRecord>(snapshot, &keys::table(keys::PLAIN)).unwrap().remove(0);
        (PrincipalId(keys::id_at(&key, 0).unwrap()), key, record)
    };
    let damage = |work: &Damage| {
        fixture
            .store
            .write(|snapshot| {
                let (owner, key, record) = place(snapshot);
                let mut transaction = snapshot.begin();
                work(&mut transaction, owner, &key, &record);
                snapshot.commit(transaction)
            })
            .unwrap();
    };
    damage(&|transaction, owner, key, record| {
        transaction.delete(key.to_vec());
        transaction.put_record(keys::plain(owner, PlainId([7; 16]), "news"), record).unwrap();
    });
    assert!(fixture.faults().iter().any(|fault| fault.contains("not in the home itself")), "{:?}", fixture.faults());
    damage(&|transaction, owner, _, record| {
        let holder = PropertyHolder::Plain(record.id);
        let mut kept = properties::of(transaction, holder, owner).unwrap();
        kept.remove(&PropertyKey::Source);
        properties::set(transaction, holder, owner, &kept).unwrap();
    });
    assert!(fixture.faults().iter().any(|fault| fault.contains("without its source")), "{:?}", fixture.faults());
}

#[test]
fn a_store_of_the_version_before_is_read_and_marked_as_of_this_one() {
    let fixture = fixture();
    fixture.apply(&company());
    let version = |fixture: &Fixture| fixture.store.read(|snapshot| crate::read::Read::get(snapshot, keys::FORMAT)).unwrap().unwrap();
    let mut fixture = fixture;
    for older in 1..crate::record::FORMAT_VERSION {
        let write = fixture.store.write(|snapshot| {
            let mut transaction = snapshot.begin();
            transaction.put(keys::FORMAT.to_vec(), older.to_be_bytes().to_vec());
            transaction.put(keys::POLICY_UNTIL_3.to_vec(), b"as it was written then".to_vec());
            snapshot.commit(transaction)
        });
        write.unwrap();
        fixture.store.close().unwrap();
        let store = Store::open(fixture.directory.path(), options()).unwrap();
        fixture = Fixture { administration: store.administration(), store, directory: fixture.directory };
        assert_eq!(version(&fixture), crate::record::FORMAT_VERSION.to_be_bytes());
        assert_eq!(fixture.administration.policy().unwrap(), acl::Policy::default());
        assert_eq!(fixture.apply(&company()), Vec::<String>::new());
        assert_eq!(fixture.faults(), Vec::<String>::new());
    }
}
