//! Neighbours who mean no good, and how long people wait for a GET beside them.
//!
//! All of it shares one machine. So that the clients measure as little of each other as can be, the hostile ones have a thread of their
//! own at the lowest priority: elsewhere they would have processors of their own. What the machine does to any server's answers
//! besides is seen at the bare server, which the same people ask at the same load.

use super::{plan, steps};
use crate::measure::Round;
use crate::say;
use crate::server::{self, Server};
use crate::target::{Target, WindowEnd, basic};
use crate::wire::Connection;
use crate::workload::{Plan, Workload};
use bench::chance::Chance;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections of those who mean no good, and of those who live beside them.
const HOSTILE: usize = 48;
const NEIGHBOURS: usize = 8;
/// Of each so many hostile ones, one sends slowly and one reads slowly.
const KINDS: usize = 6;
/// Between a byte and the next, or one look at an answer and the next.
const DAWDLE: Duration = Duration::from_millis(50);
/// Steps of the scheduler's politeness by which they stand behind those who are measured: all there are.
const HOSTILE_NICENESS: i32 = 19;
/// What the hostile ones may see.
pub(super) const LEVEL: &str = "free-busy";
/// They are at it for so long before anybody is measured.
const RUN_UP: Duration = Duration::from_millis(500);

/// What the hostile ones send: made beforehand, for a thread of its own.
struct Mischief {
    address: SocketAddr,
    /// What costs much, again and again.
    costly: Vec<Vec<u8>>,
    /// A large answer, hardly read.
    large: Vec<u8>,
    over: AtomicBool,
    /// How many answers they had: who is kept from asking is no bad neighbour.
    answered: AtomicU64,
}

/// How long people wait, alone and beside others who ask for as much as they can; whether all answers were right.
///
/// # Errors
/// The bare server does not start.
pub(super) async fn neighbours(server: &Server, get: &Workload, directory: &Path, time: Duration) -> Result<bool, String> {
    let bare = server::bare(&directory.join("bare"))?;
    let gets = plan(get, server).await?;
    let same = Rc::new(crate::compare::bare_plan(get, &gets, server, &bare).await?);
    let (address, bare_address) = (server.owner.address, bare.owner.address);
    let alone = calm(address, &gets, time).await;
    let bare_alone = calm(bare_address, &same, time).await;
    let mischief = Arc::new(mischief(server));
    let doing = Arc::clone(&mischief);
    let thread = std::thread::spawn(move || doing.run());
    tokio::time::sleep(RUN_UP).await;
    let beside = calm(address, &gets, time).await;
    let bare_beside = calm(bare_address, &same, time).await;
    mischief.over.store(true, Ordering::Relaxed);
    thread.join().map_err(|_| "the hostile ones ended in a panic".to_owned())??;
    if let Some(process) = bare.process {
        // It has no way to end well.
        drop(process.stop());
    }
    let (answered, seconds) = (mischief.answered.load(Ordering::Relaxed), 2.0 * time.as_secs_f64() + RUN_UP.as_secs_f64());
    say(&format!(
        "neighbours: GET by {NEIGHBOURS} calm connections, alone and beside {HOSTILE} hostile ones on the same processors, who had {:.0} answers \
         a second",
        answered as f64 / seconds,
    ));
    let told = |who: &str, before: &Round, after: &Round| {
        let (p99, p99_beside) = (before.percentile(99), after.percentile(99));
        say(&format!(
            "  {who}: p50 {:.2} and {:.2} ms, p99 {p99:.2} and {p99_beside:.2} ms, {:.1} times; {} and {} answers, {} wrong",
            before.percentile(50),
            after.percentile(50),
            p99_beside / p99.max(f64::EPSILON),
            before.answers,
            after.answers,
            before.wrong + after.wrong,
        ));
    };
    told("of the server that the hostile ones ask", &alone, &beside);
    told("of the bare server, which they do not ask: what the machine adds", &bare_alone, &bare_beside);
    Ok(alone.wrong + beside.wrong == 0)
}

/// People who ask now and then.
async fn calm(address: SocketAddr, gets: &Rc<Plan>, time: Duration) -> Round {
    let round = Rc::new(RefCell::new(Round::default()));
    let (started, local) = (Instant::now(), tokio::task::LocalSet::new());
    for number in 0..NEIGHBOURS {
        let (round, gets) = (Rc::clone(&round), Rc::clone(gets));
        local.spawn_local(async move {
            let (mut connection, mut chance) = (Connection::new(address), Chance::new(number as u64, "calm"));
            let steps = steps(&gets);
            while started.elapsed() < time {
                let Some(step) = steps.get(usize::try_from(chance.below(steps.len() as u64)).unwrap_or(0)) else { return };
                let before = Instant::now();
                let right = connection.ask(&step.bytes).await.is_ok_and(|answer| step.verify(&answer).is_ok());
                {
                    let mut round = round.borrow_mut();
                    round.latencies.push(before.elapsed());
                    *(if right { &mut round.answers } else { &mut round.wrong }) += 1;
                }
                tokio::time::sleep(Duration::from_millis(5 + chance.below(20))).await;
            }
        });
    }
    local.await;
    let mut round = round.take();
    round.latencies.sort_unstable();
    round
}

/// What a grantee can ask for that costs much, wrong passwords, and what does not exist.
fn mischief(server: &Server) -> Mischief {
    let owner = &server.owner;
    let mallory = server.view(Some(LEVEL)).unwrap_or(owner);
    let home = mallory.calendars.values().next().map_or_else(|| mallory.home.clone(), |shown| shown.path.clone());
    let window = crate::window::Window { start: 0, end: 4_000_000_000 };
    let all = mallory.query(&home, window, WindowEnd::Closed, "<D:getetag/><C:calendar-data/>");
    let mut costly = vec![all.clone(), mallory.sync(&home, ""), mallory.free_busy(&home, window)];
    for number in 0..HOSTILE {
        let stranger = Target { authorization: basic(&format!("nobody{number}"), "wrong"), ..owner.clone() };
        // As many strangers as there are other requests, so that one in four has a wrong password.
        if let Some(other) = costly.get(number % 3).cloned() {
            costly.push(other);
        }
        costly.push(stranger.plain("GET", &owner.home));
    }
    Mischief { address: owner.address, costly, large: all, over: AtomicBool::new(false), answered: AtomicU64::new(0) }
}

impl Mischief {
    fn run(self: &Arc<Self>) -> Result<(), String> {
        // Where it is not allowed they are measured a little more.
        let _lowered = rustix::process::nice(HOSTILE_NICENESS);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let local = tokio::task::LocalSet::new();
        for number in 0..HOSTILE {
            let own = Arc::clone(self);
            local.spawn_local(async move {
                match number % KINDS {
                    4 => own.send_slowly().await,
                    5 => own.read_slowly().await,
                    _ => own.ask(number).await,
                }
            });
        }
        // What is under way when they are told to end is dropped with its connection.
        runtime.block_on(local.run_until(async {
            while !self.over.load(Ordering::Relaxed) {
                tokio::time::sleep(DAWDLE).await;
            }
        }));
        Ok(())
    }

    /// Asks without a pause.
    async fn ask(&self, number: usize) {
        let mut connection = Connection::new(self.address);
        for turn in number.. {
            let Some(request) = self.costly.get(turn % self.costly.len().max(1)) else { return };
            // Whatever they get, they go on.
            if connection.ask(request).await.is_ok() {
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            tokio::task::yield_now().await;
        }
    }

    /// A byte of a head now and then.
    async fn send_slowly(&self) {
        loop {
            if let Ok(mut stream) = TcpStream::connect(self.address).await {
                let head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: ".iter().chain(std::iter::repeat(&b'a'));
                for byte in head {
                    if stream.write_all(std::slice::from_ref(byte)).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(DAWDLE).await;
                }
            }
            tokio::time::sleep(DAWDLE).await;
        }
    }

    /// A large answer, hardly read.
    async fn read_slowly(&self) {
        loop {
            if let Ok(mut stream) = TcpStream::connect(self.address).await
                && stream.write_all(&self.large).await.is_ok()
            {
                let mut part = [0; 256];
                while stream.read(&mut part).await.is_ok_and(|length| length > 0) {
                    tokio::time::sleep(DAWDLE).await;
                }
            }
            tokio::time::sleep(DAWDLE).await;
        }
    }
}
