//! Sign-in while somebody floods it: who is signed in goes on, who is known comes in, guesses sent all at once are counted
//! as if they came one by one, and the time of an answer tells nobody who exists.

use crate::harness::{Connection, Shoji, World, basic};
use crate::races::{Random, number};
use http::HeaderValue;
use shoji::authenticate::{Authenticator, SignIn};
use shoji::limits::Limits;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Limits so small that a test reaches them; failures are not held against anybody.
fn small() -> Limits {
    let many = 1_000_000;
    Limits {
        verifications_max: 2,
        verifications_waiting_max: 8,
        failed_sign_ins_per_address: many,
        failed_sign_ins_per_user: many,
        sign_in_remembered_seconds: 3_600,
        ..Limits::default()
    }
}

/// Sign-in of a world, and requests to it.
struct Gate {
    world: World,
    authenticator: Authenticator,
}

impl Gate {
    fn new(limits: &Limits) -> Arc<Self> {
        let world = World::new().user("alice").sign_in("alice").user("bob").sign_in("bob");
        Arc::new(Self { world, authenticator: Authenticator::new(limits).unwrap() })
    }

    async fn try_in(self: Arc<Self>, user: String, password: String, from: IpAddr) -> SignIn {
        let header = HeaderValue::from_str(&basic(&user, &password)).unwrap();
        self.authenticator.sign_in(&self.world.store, Some(&header), from).await
    }

    /// With the right password.
    async fn enter(self: &Arc<Self>, user: &str, from: IpAddr) -> SignIn {
        self.clone().try_in(user.to_owned(), user.to_owned(), from).await
    }

    /// So many wrong passwords at once, each from a network of its own.
    async fn flood(self: &Arc<Self>, number: u32, user: impl Fn(u32) -> String) -> Vec<tokio::task::JoinHandle<SignIn>> {
        let guess = |number| tokio::spawn(self.clone().try_in(user(number), format!("guess {number}"), network(number)));
        let flood = (0..number).map(guess).collect();
        // Each of them was begun when our turn comes again.
        tokio::task::yield_now().await;
        flood
    }
}

fn network(number: u32) -> IpAddr {
    IpAddr::V6(((0x2001_0db8_u128 << 96) | (u128::from(number) << 64)).into())
}

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn is_viewer(answer: &SignIn, user: &str) -> bool {
    matches!(answer, SignIn::Viewer { name, .. } if **name == *user)
}

/// What it says at once, without waiting for anything.
async fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn in_a_flood_who_is_signed_in_goes_on_and_who_is_known_comes_in() {
    run(async {
        let gate = Gate::new(&Limits { sign_in_remembered_seconds: 2, ..small() });
        assert!(is_viewer(&gate.enter("bob", HOME).await, "bob"));
        tokio::time::sleep(Duration::from_millis(2_100)).await;
        assert!(is_viewer(&gate.enter("alice", HOME).await, "alice"));
        // Those who exist and those who do not.
        let flood = gate.flood(300, |number| if number % 3 == 0 { "alice".to_owned() } else { format!("nobody-{number}") }).await;
        // She asks no more than to be remembered: nothing is waited for.
        assert!(at_once(gate.enter("alice", HOME)).await.is_some_and(|answer| is_viewer(&answer, "alice")));
        // His password has to be verified again: a place is kept for that.
        assert!(is_viewer(&gate.enter("bob", HOME).await, "bob"));
        let mut busy = 0;
        for answer in flood {
            match answer.await.unwrap() {
                SignIn::Busy => busy += 1,
                answer => assert_eq!(answer, SignIn::Unauthorized),
            }
        }
        assert!(busy > 200, "the queue was at its limit: {busy}");
        // When it is over anybody comes in from anywhere.
        assert!(is_viewer(&gate.enter("bob", network(9_999)).await, "bob"));
    });
}

/// Whether a name has to wait was looked at when a guess came, and not when its turn came: all that came at once were answered.
#[test]
fn guesses_sent_all_at_once_are_held_up_like_guesses_sent_one_by_one() {
    run(async {
        let limits = Limits {
            verifications_max: 1,
            verifications_waiting_max: 200,
            failed_sign_ins_per_user: 5,
            failed_sign_in_seconds: 3_600,
            ..small()
        };
        for user in ["alice", "nobody"] {
            let gate = Gate::new(&limits);
            let mut answered = 0;
            for answer in gate.flood(100, |_| user.to_owned()).await {
                match answer.await.unwrap() {
                    SignIn::Unauthorized => answered += 1,
                    answer => assert!(matches!(answer, SignIn::TooManyFailures { .. }), "{answer:?}"),
                }
            }
            // The one that was too many, too.
            assert_eq!(answered, 6, "{user}");
        }
    });
}

/// A guess whose connection was closed before its answer was counted as none, and one that was closed while it waited kept
/// its place in the queue for ever.
#[test]
fn who_hangs_up_is_counted_and_leaves_no_place_taken() {
    run(async {
        let gate = Gate::new(&Limits { failed_sign_ins_per_address: 3, failed_sign_in_seconds: 3_600, ..small() });
        for guess in gate.flood(200, |number| format!("nobody-{number}")).await {
            guess.abort();
        }
        // Those that were begun are finished: the queue is empty then.
        let patience = Instant::now() + crate::harness::process::PATIENCE;
        let guess = || gate.clone().try_in("bob".to_owned(), "guess".to_owned(), network(1_000));
        while !matches!(at_once(guess()).await, Some(SignIn::TooManyFailures { .. })) {
            assert!(Instant::now() < patience, "guesses of one who hangs up are not counted");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for number in 0..20 {
            assert!(is_viewer(&gate.enter("alice", network(2_000 + number)).await, "alice"));
        }
    });
}

/// How likely differences as one-sided as these are if none is meant: signed ranks against 4,000 random signs.
fn probability(differences: &[f64], random: &mut Random) -> f64 {
    let mut ranked: Vec<f64> = differences.to_vec();
    ranked.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let sum =
        |sign: &mut dyn FnMut(f64) -> f64| ranked.iter().enumerate().map(|(rank, of)| sign(*of) * (rank + 1) as f64).sum::<f64>().abs();
    let found = sum(&mut |difference| if difference < 0.0 { -1.0 } else { 1.0 });
    let as_far = (0..4_000).filter(|_| sum(&mut |_| if random.below(2) == 0 { -1.0 } else { 1.0 }) >= found).count();
    (as_far + 1) as f64 / 4_001.0
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

#[test]
fn the_comparison_of_times_tells_a_difference_from_none() {
    let mut random = Random::of(&[1]);
    let noise: Vec<f64> = (0..40).map(|_| random.below(1_000) as f64 - 499.5).collect();
    assert!(probability(&noise, &mut random) > 0.01);
    let shifted: Vec<f64> = noise.iter().map(|difference| difference + 400.0).collect();
    assert!(probability(&shifted, &mut random) < 0.001);
}

/// Times of a running server, in microseconds: of an unknown user and of a wrong password, in pairs whose order is a matter
/// of chance; and, to see that a difference would be found, of credentials that nobody has to verify. Times decide only when
/// `SHOJI_SIGN_IN_ROUNDS` asks for so many that they can.
#[test]
fn leak_86_the_time_of_an_answer_is_compared() {
    let (rounds, seed) = (number("SHOJI_SIGN_IN_ROUNDS", 6), number("SHOJI_SEED", 1));
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nfailed_sign_ins_per_address = 1000000\nfailed_sign_ins_per_user = 1000000\n");
    let mut connection = server.connect();
    let mut random = Random::of(&[seed]);
    let (mut unknown, mut wrong, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    // What the first requests meet is cold.
    timed(&mut connection, &basic("nobody", "x"));
    for round in 0..rounds {
        let (stranger, password) = (format!("nobody-{round}"), format!("wrong {round}"));
        let known_first = random.below(2) == 0;
        if known_first {
            wrong.push(timed(&mut connection, &basic("alice", &password)));
        }
        unknown.push(timed(&mut connection, &basic(&stranger, &password)));
        if !known_first {
            wrong.push(timed(&mut connection, &basic("alice", &password)));
        }
        unread.push(timed(&mut connection, "Basic !!!"));
    }
    server.stop();
    let difference = |one: &[f64], other: &[f64]| -> Vec<f64> { one.iter().zip(other).map(|(one, other)| one - other).collect() };
    let differences = difference(&unknown, &wrong);
    let [p, p_unread] = [&differences, &difference(&unread, &wrong)].map(|of| probability(of, &mut random));
    println!(
        "time of sign-in, seed {seed}, {rounds} rounds: unknown user {:.0} µs, wrong password {:.0} µs (medians), difference {:.0} µs \
         (median of pairs), p = {p:.4}; nothing to verify {:.0} µs, p = {p_unread:.4}",
        median(unknown),
        median(wrong),
        median(differences),
        median(unread)
    );
    if std::env::var_os("SHOJI_SIGN_IN_ROUNDS").is_some() && rounds >= 30 {
        assert!(p_unread < 0.01, "a difference is not found");
        assert!(p > 0.001, "the time of the answer tells who exists");
    }
}

fn timed(connection: &mut Connection, credentials: &str) -> f64 {
    let begun = Instant::now();
    assert_eq!(connection.request("GET", "/dav/", &[("Authorization", credentials)], "").status, 401);
    begun.elapsed().as_micros() as f64
}
