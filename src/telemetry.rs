//! Log and metrics. Neither ever holds a body, title, e-mail address, query, password or token.

use crate::config::{Log, LogFormat, LogLevel};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Starts the log on standard error. A second call changes nothing.
pub fn start_log(log: &Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // Libraries that see headers and bodies stay at `warn`, whatever the level: theirs could print what ours never do.
    let filter = EnvFilter::new(format!("warn,shoji={level},sign-in=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Unfailing).with_ansi(false);
    let started = match log.format {
        LogFormat::Human => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    // Already started: an embedding program has a log of its own.
    drop(started);
}

/// Standard error, to which writing always succeeds: a log on a full disk is no reason to end what is being done.
struct Unfailing;

impl std::io::Write for Unfailing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        drop(std::io::stderr().write_all(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Installs the recorder for the process and gives the handle that renders it; `None` if one is installed already.
pub fn start_metrics() -> Option<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0])
        .ok()?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).ok()?;
    metrics::describe_counter!("shoji_requests_total", "Requests answered, by method, kind of resource and status.");
    metrics::describe_histogram!("shoji_request_seconds", metrics::Unit::Seconds, "From the request's head to its answer's head.");
    metrics::describe_gauge!("shoji_connections", "Open connections.");
    metrics::describe_gauge!("shoji_facts_bytes", metrics::Unit::Bytes, "What is kept of people, policy, grants and decisions.");
    metrics::describe_counter!("shoji_password_verifications_total", "Passwords verified: what sign-in costs.");
    metrics::describe_counter!("shoji_sign_ins_total", "Sign-ins, by result.");
    Some(handle)
}

/// Tells what is kept in memory.
pub fn memory(facts_bytes: usize) {
    metrics::gauge!("shoji_facts_bytes").set(u32::try_from(facts_bytes).unwrap_or(u32::MAX));
}

/// One answered request.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The method, if it is one we know; else `-`.
    pub method: &'static str,
    /// Kind of resource.
    pub kind: &'static str,
    /// Status code.
    pub status: u16,
    /// From the request's head to its answer's head.
    pub elapsed: std::time::Duration,
    /// The signed-in user's name, or `-`.
    pub user: &'a str,
}

/// Logs and counts one request.
pub fn answered(request: &Answered<'_>) {
    let milliseconds = (request.elapsed.as_secs_f64() * 1e5).round() / 100.0;
    tracing::info!(
        target: "shoji",
        method = request.method,
        kind = request.kind,
        status = request.status,
        ms = milliseconds,
        user = request.user,
        "request"
    );
    let status = metrics::SharedString::from_owned(request.status.to_string());
    metrics::counter!("shoji_requests_total", "method" => request.method, "kind" => request.kind, "status" => status).increment(1);
    metrics::histogram!("shoji_request_seconds", "method" => request.method).record(request.elapsed.as_secs_f64());
}
