//! What runs inside the machine: looks at what the last cut left, starts the server, lets sixteen writers write, and says over
//! the port what it found and what was acknowledged. Judges nothing that needs memory: that dies with it.
//!
//! Hears orders, one a line, up to `go`; says words, one a line, each in one write.

use crate::client::{self, Client};
use crate::plan::{self, OWNER, PASSWORD, STEPS_MAX, VIEWERS, WRITERS};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const SHOJI: &str = "/bin/shoji";
const STORE: &str = "/data/store";
const WORK: &str = "/dav/calendars/alice/work/";
const STILL: &str = "/dav/calendars/alice/still/";
/// Makes the server's `fsync` and `fdatasync` do nothing.
pub(crate) const SABOTEUR: &str = "/lib/no_sync.so";

/// What the host wants of this life.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    life: u64,
    engine: String,
    is_first: bool,
    is_sabotaged: bool,
    /// By viewer, a token and the rows it stands for.
    tokens: Vec<(String, String)>,
}

/// The way out: the port.
#[derive(Clone, Debug)]
struct Port(Arc<Mutex<File>>);

impl Port {
    fn say(&self, line: &str) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to hear that this failed.
        drop(file.write_all(format!("{line}\n").as_bytes()));
    }
}

/// Runs until the power goes.
pub(crate) fn run() {
    let file = match port() {
        Ok(file) => file,
        // On the console, whose end the host shows when it hears nothing.
        Err(error) => return drop(std::fs::write("/dev/console", format!("no port: {error}\n"))),
    };
    let outcome = file.try_clone().and_then(|file| hear(BufReader::new(file))).map_err(|error| error.to_string());
    let port = Port(Arc::new(Mutex::new(file)));
    if let Err(words) = outcome.and_then(|orders| live(&port, &orders)) {
        port.say(&format!("fault {}", words.replace('\n', " / ")));
    }
    // The machine has nothing else to do, and must not end by itself.
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

fn port() -> std::io::Result<File> {
    let is_port = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vport"));
    let mut paths = std::fs::read_dir("/dev")?.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let path = paths.find(is_port).ok_or_else(|| std::io::Error::other("there is none"))?;
    File::options().read(true).write(true).open(path)
}

fn hear(lines: impl BufRead) -> std::io::Result<Orders> {
    let mut orders = Orders::default();
    for line in lines.lines() {
        let line = line?;
        let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match what {
            "life" => orders.life = rest.parse().map_err(std::io::Error::other)?,
            "engine" => orders.engine = rest.to_owned(),
            "first" => orders.is_first = true,
            "sabotage" => orders.is_sabotaged = true,
            "token" => orders.tokens.extend(rest.split_once(' ').map(|(viewer, token)| (viewer.to_owned(), token.to_owned()))),
            // What is written reaches the disk soon, and stays in its cache.
            "hasty" => {
                for key in ["dirty_writeback_centisecs", "dirty_expire_centisecs"] {
                    std::fs::write(Path::new("/proc/sys/vm").join(key), "5")?;
                }
            }
            "go" => break,
            _ => return Err(std::io::Error::other(format!("an order that is none: {line}"))),
        }
    }
    Ok(orders)
}

fn live(port: &Port, orders: &Orders) -> Result<(), String> {
    let cache = std::fs::read_to_string("/sys/block/vda/queue/write_cache").unwrap_or_default();
    if cache.trim() != "write back" {
        return Err(format!("the disk is not known to have a cache, so that nobody flushes it: {cache}"));
    }
    port.say("stage mounted");
    if orders.is_first {
        std::fs::write("/tmp/people.toml", plan::people()).map_err(|error| error.to_string())?;
        shoji(orders, &["apply", "/tmp/people.toml"])?;
    } else {
        shoji(orders, &["check"])?;
    }
    port.say("stage checked");
    let _serving = serve(orders)?;
    port.say("stage serving");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        if orders.is_first {
            let mut owner = Client::connect(OWNER, PASSWORD).await?;
            for number in 0..plan::STILL {
                let status = owner.put(&format!("{STILL}{number}.ics"), plan::still_text(number)).await?;
                if status != 201 {
                    return Err(format!("the calendar that nobody changes is refused: {status}"));
                }
            }
        }
        look(port, orders).await?;
        port.say("writing");
        work(port, orders.life).await
    })
}

fn command(orders: &Orders) -> Command {
    let mut command = Command::new(SHOJI);
    command.args(["--data", STORE]).env("NO_COLOR", "1").env("SHOJI_STORAGE_ENGINE", &orders.engine).stdin(Stdio::null());
    // The machine is slow, and its clients are patient.
    for limit in ["HANDSHAKE_SECONDS", "HEADER_SECONDS", "BODY_SECONDS", "WRITE_SECONDS", "REQUEST_WAIT_SECONDS"] {
        command.env(format!("SHOJI_LIMITS_{limit}"), "600");
    }
    command
}

fn shoji(orders: &Orders, words: &[&str]) -> Result<(), String> {
    let output = command(orders).args(words).output().map_err(|error| format!("shoji does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("shoji {} ends with {}: {}", words.join(" "), output.status, String::from_utf8_lossy(&said)))
}

/// Starts the server and waits until it listens. What it says later has to find somebody.
fn serve(orders: &Orders) -> Result<(Child, BufReader<ChildStdout>), String> {
    let mut command = command(orders);
    command.args(["serve", "--listen", client::ADDRESS]).stdout(Stdio::piped());
    if orders.is_sabotaged {
        command.env("LD_PRELOAD", SABOTEUR);
    }
    let mut child = command.spawn().map_err(|error| format!("shoji serve does not start: {error}"))?;
    let out = child.stdout.take().ok_or("shoji serve says nothing")?;
    let mut out = BufReader::new(out);
    let mut line = String::new();
    while out.read_line(&mut line).map_err(|error| error.to_string())? > 0 {
        if line.contains("listening on") {
            return Ok((child, out));
        }
        line.clear();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Err(format!("shoji serve ends with {status}"))
}

/// Says what everybody is shown, and where old tokens lead.
async fn look(port: &Port, orders: &Orders) -> Result<(), String> {
    let mut owner = Client::connect(OWNER, PASSWORD).await?;
    for row in owner.query(WORK).await?.rows {
        let object = plan::object_of(&row.name);
        let version = start(&row.text).and_then(plan::version_at);
        match object.zip(version) {
            Some(((writer, slot), version)) if same_text(&plan::text(writer, slot, version), &row.text) => {
                port.say(&format!("found {writer} {slot} {version}"));
            }
            _ => port.say(&format!("half {}", row.name)),
        }
    }
    port.say("listed");
    for viewer in VIEWERS.iter().map(|(name, _)| *name).chain([OWNER]) {
        let mut client = Client::connect(viewer, PASSWORD).await?;
        let shown = client.query(WORK).await?;
        let starts: Vec<&str> = shown.rows.iter().filter_map(|row| start(&row.text)).collect();
        port.say(&format!("view {viewer} {}", starts.join(" ")));
        let still = client.query(STILL).await?;
        let mut seen = blake3::Hasher::new();
        for row in &still.rows {
            seen.update(format!("{}\n{}\n{}\n", row.name, row.tag, row.text).as_bytes());
        }
        port.say(&format!("still {viewer} {}", seen.finalize().to_hex()));
    }
    for (viewer, said) in &orders.tokens {
        let mut client = Client::connect(viewer, PASSWORD).await?;
        port.say(&format!("led {viewer} {}", follow(&mut client, said).await));
    }
    Ok(())
}

/// Whether a client that holds a token and its rows comes to what a fresh one is shown.
async fn follow(client: &mut Client, said: &str) -> String {
    let mut words = said.split(' ');
    let token = words.next().unwrap_or_default();
    let mut rows: BTreeMap<String, String> =
        words.filter_map(|row| row.split_once('=')).map(|(name, tag)| (name.to_owned(), tag.to_owned())).collect();
    let changes = match client.changes(WORK, token).await {
        Ok(changes) => changes,
        Err(words) => return format!("astray: {words}"),
    };
    let fresh = match client.changes(WORK, "").await {
        Ok(fresh) => client::tags(&fresh.rows),
        Err(words) => return format!("astray: {words}"),
    };
    for row in changes.rows.iter().filter(|row| row.is_gone) {
        rows.remove(&row.name);
    }
    rows.extend(client::tags(&changes.rows));
    if rows == fresh {
        return "home".to_owned();
    }
    let differs = |name: &&String| rows.get(*name) != fresh.get(*name);
    let names: Vec<&String> = rows.keys().chain(fresh.keys()).filter(differs).collect();
    format!("elsewhere: {} of {} rows differ, {names:?}", names.len(), fresh.len())
}

/// Sixteen writers and a reader, until the power goes.
async fn work(port: &Port, life: u64) -> Result<(), String> {
    let mut working = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let client = Client::connect(plan::user_of(writer), PASSWORD).await?;
        working.spawn(write(port.clone(), client, life, writer));
    }
    let mut readers = Vec::new();
    for (viewer, _) in VIEWERS {
        readers.push((viewer, Client::connect(viewer, PASSWORD).await?));
    }
    working.spawn(read(port.clone(), readers));
    while let Some(ended) = working.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    Ok(())
}

async fn write(port: Port, mut client: Client, life: u64, writer: usize) -> Result<(), String> {
    for number in 0..STEPS_MAX {
        let step = plan::step(life, writer, number);
        let path = format!("{WORK}{}", plan::object_name(writer, step.slot));
        let status = match step.leaves {
            Some(version) => client.put(&path, plan::text(writer, step.slot, version)).await?,
            None => client.delete(&path).await?,
        };
        match (step.leaves, status) {
            // Where there is nothing to delete, nothing is left either.
            (Some(_), 201 | 204) | (None, 204 | 404) => port.say(&format!("ack {writer} {number}")),
            _ => port.say(&format!("refused {writer} {number} {status}")),
        }
    }
    Ok(())
}

/// The viewers ask one after the other: what they were shown is to hold as well.
async fn read(port: Port, mut readers: Vec<(&'static str, Client)>) -> Result<(), String> {
    loop {
        for (viewer, client) in &mut readers {
            let fresh = client.changes(WORK, "").await?;
            let rows: Vec<String> = client::tags(&fresh.rows).iter().map(|(name, tag)| format!("{name}={tag}")).collect();
            port.say(&format!("token {viewer} {} {}", fresh.token, rows.join(" ")));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn start(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("DTSTART:")).map(str::trim_end)
}

/// Line ends aside, which XML does not keep.
fn same_text(one: &str, other: &str) -> bool {
    one.lines().map(str::trim_end).eq(other.lines().map(str::trim_end))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn orders_are_heard_up_to_their_end() {
        let text = "life 7\nengine sled\nsabotage\ntoken bob urn:t a.ics=\"1\" b.ics=\"2\"\ngo\nrubbish\n";
        let orders = hear(text.as_bytes()).unwrap();
        assert_eq!((orders.life, orders.engine.as_str(), orders.is_first, orders.is_sabotaged), (7, "sled", false, true));
        assert_eq!(orders.tokens, [("bob".to_owned(), "urn:t a.ics=\"1\" b.ics=\"2\"".to_owned())]);
        assert!(hear("hurry\n".as_bytes()).is_err());
    }

    #[test]
    fn a_text_that_lacks_its_end_is_not_the_same() {
        let text = plan::text(1, 1, 77);
        assert!(same_text(&text, &text.replace("\r\n", "\n")));
        assert!(!same_text(&text, text.strip_suffix("END:VCALENDAR\r\n").unwrap()));
        assert_eq!(start(&text).and_then(plan::version_at), Some(77));
    }
}
