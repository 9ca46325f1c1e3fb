//! `shoji demo`: one calendar, five pairs of eyes, in a temporary store that Ctrl-C removes.

use super::output::{self, Failure};
use super::place::open_store;
use super::serve::serve;
use crate::command::{Command, CommandError, execute};
use crate::config::Config;
use crate::server;
use crate::telemetry;
use chrono::{Datelike, Days, NaiveDate, Utc};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use storage::Store;
use storage::administration::ApplyFile;
use tokio::net::TcpListener;

/// A month of alice's calendar, written for June 2026, which begins on a Monday.
const CALENDAR: &str = include_str!("alice.ics");
/// The Monday its first week begins on.
const WRITTEN_FOR: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 6, 1);

/// Makes an answer readable.
const WEEK_AWK: &str = include_str!("week.awk");

const PEOPLE: &str = include_str!("people.toml");

/// Serves the demonstration until SIGTERM or Ctrl-C.
///
/// # Errors
/// No room for a temporary store, no free port.
pub fn run(mut config: Config, listen: Option<SocketAddr>) -> Result<(), Failure> {
    let wanted = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8008)));
    if !wanted.ip().is_loopback() {
        return Err(Failure::usage("the demonstration's passwords are its user names: it is served on loopback only"));
    }
    config.log.level = crate::config::LogLevel::Warn;
    config.tls = crate::config::Tls::default();
    telemetry::start_log(&config.log);
    let directory = tempfile::Builder::new().prefix("shoji-demo-").tempdir()?;
    let data = directory.path();
    let store = open_store(data, &config)?;
    fill(&store)?;
    std::fs::write(data.join("week.xml"), week_query())?;
    std::fs::write(data.join("week.awk"), WEEK_AWK)?;
    let runtime = server::runtime()?;
    let result = runtime.block_on(async {
        let listener = match TcpListener::bind(wanted).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(SocketAddr::new(wanted.ip(), 0)).await?,
        };
        let address = listener.local_addr()?;
        Ok::<_, Failure>(
            serve(&config, data, &store, vec![listener], None, || {
                Ok(output::text(&format!("{}\n", tour(address, data, &config.base_path)))?)
            })
            .await?,
        )
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    store.close().map_err(|error| Failure::refused("store", error.to_string()))?;
    directory.close()?;
    result
}

fn fill(store: &Arc<Store>) -> Result<(), Failure> {
    let parsed = super::files::parse_apply_file(PEOPLE, "people.toml")?;
    let refused = |error: CommandError| Failure::from(error);
    let file: Box<ApplyFile> = Box::new(parsed.file);
    execute(store, Command::Apply { file, dry_run: false, prune: false }).map_err(refused)?;
    let text = ical::shift::shift_days(CALENDAR, days_to_this_month());
    let report = execute(store, Command::Import { calendar: "alice/work".to_owned(), text }).map_err(refused)?;
    match report.get("refused").and_then(|refused| refused.as_array()) {
        Some(none) if none.is_empty() => Ok(()),
        _ => Err(Failure::refused("internal", format!("the demonstration's own calendar was refused: {report}"))),
    }
}

fn monday_of(date: NaiveDate) -> NaiveDate {
    date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))).unwrap_or(date)
}

/// Whole weeks, so that every event keeps its day of the week.
fn days_to_this_month() -> i64 {
    let today = Utc::now().date_naive();
    let first = monday_of(today.with_day(1).unwrap_or(today));
    WRITTEN_FOR.map_or(0, |from| (first - from).num_days())
}

/// A calendar-query (RFC 4791 §7.8) for this week, each instance by itself.
fn week_query() -> String {
    let monday = monday_of(Utc::now().date_naive());
    let end = monday.checked_add_days(Days::new(7)).unwrap_or(monday);
    let (start, end) = (monday.format("%Y%m%dT000000Z"), end.format("%Y%m%dT000000Z"));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
  <D:prop><C:calendar-data><C:expand start="{start}" end="{end}"/></C:calendar-data></D:prop>
  <C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/></C:comp-filter></C:comp-filter></C:filter>
</C:calendar-query>
"#
    )
}

fn tour(address: SocketAddr, data: &Path, base: &str) -> String {
    let [query, readable] = ["week.xml", "week.awk"].map(|name| data.join(name).display().to_string());
    let eyes = [
        ("alice", "the owner: everything"),
        ("bob", "free-busy: only when she is busy"),
        ("carol", "titles: times and titles; private events stay shut"),
        ("dan", "details: all but private events"),
        ("erin", "edit, as a member of group team"),
    ];
    let mut text = String::from("\nAlice's week through five pairs of eyes. Passwords are the user names.\n");
    for (name, sees) in eyes {
        text.push_str(&format!(
            "\n# {name}: {sees}\ncurl -s -u {name}:{name} -X REPORT -H 'Depth: 1' --data-binary @{query} http://{address}{base}/dav/calendars/alice/work/ | awk -f {readable} | sort\n"
        ));
    }
    text.push_str(&format!(
        "\nIn a calendar program add a CalDAV account:\n  URL http://{address}{base}/   user bob   password bob\n(or {}). The store is temporary: Ctrl-C removes it.",
        "alice, carol, dan, erin"
    ));
    text
}
