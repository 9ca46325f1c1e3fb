//! `shoji serve`: from configuration to an orderly end.

use super::output::{self, Failure};
use super::place::open_store;
use crate::config::{Config, check_cleartext};
use crate::server::{self, Identity};
use crate::{control, mend, sweep, telemetry};
use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use storage::change_engine::leftovers;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// Configuration (exit 2), the store, an address that is taken.
pub fn run(config: &Config, data: &Path) -> Result<(), Failure> {
    check_cleartext(config)?;
    telemetry::start_log(&config.log);
    let identity = Identity::load(&config.tls)?;
    let store = open_store(data, config)?;
    for left in leftovers(data) {
        tracing::warn!(target: "shoji", "{} is left of a move to another engine and could not be removed: remove it", left.display());
    }
    let runtime = server::runtime()?;
    let result = runtime.block_on(async {
        let listeners = server::listen(&config.listen).await?;
        Ok::<_, Failure>(serve(config, data, &store, listeners, identity, || hint(&store)).await?)
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    store.close().map_err(|error| Failure::refused("store", format!("closing the store: {error}")))?;
    result
}

fn hint(store: &Arc<Store>) -> Result<(), Failure> {
    if store.administration().users().map_err(|error| Failure::refused("store", error.to_string()))?.is_empty() {
        output::remark("there are no users yet; in another terminal: shoji user add NAME");
    }
    Ok(())
}

/// Serves on open listeners until a signal; `ready` runs once requests are accepted.
///
/// # Errors
/// The control socket, the metrics address.
pub async fn serve(
    config: &Config,
    data: &Path,
    store: &Arc<Store>,
    listeners: Vec<TcpListener>,
    identity: Option<Arc<Identity>>,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let router = server::router(config, store.clone())?;
    let socket = control::bind(data)?;
    let metrics = match config.metrics.listen {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} for metrics"))?;
            tracing::info!(target: "shoji", "metrics on http://{}/metrics", listener.local_addr()?);
            telemetry::start_metrics().map(|handle| (listener, handle))
        }
    };
    let scheme = if identity.is_some() { "https" } else { "http" };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let addresses: Vec<String> =
        listeners.iter().filter_map(|listener| listener.local_addr().ok()).map(|a| format!("{scheme}://{a}/")).collect();
    let patience = Duration::from_secs(config.limits.shutdown_seconds);
    let controlling = tokio::spawn(control::serve(socket, store.clone(), stopped.clone(), patience));
    let sweeping = tokio::spawn(sweep::sweep(store.clone(), stopped.clone()));
    let mending = tokio::spawn(mend::watch(store.clone(), stopped.clone()));
    let measuring = metrics.map(|(listener, handle)| tokio::spawn(server::serve_metrics(listener, handle, stopped.clone())));
    let serving = tokio::spawn(server::serve(listeners, router, identity.clone(), stopped));
    for address in addresses {
        output::line(&format!("listening on {address}"))?;
    }
    ready().map_err(|failure| anyhow::anyhow!(failure.message))?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => reload(identity.as_deref()),
        }
    }
    tracing::info!(target: "shoji", "stopping: finishing what was accepted");
    stop.send_replace(true);
    drop(serving.await);
    drop(controlling.await);
    drop(sweeping.await);
    drop(mending.await);
    if let Some(measuring) = measuring {
        drop(measuring.await);
    }
    Ok(())
}

fn reload(identity: Option<&Identity>) {
    match identity.map(Identity::reload) {
        None => {}
        Some(Ok(())) => tracing::info!(target: "shoji", "read the certificate again"),
        Some(Err(error)) => tracing::error!(target: "shoji", %error, "kept the old certificate"),
    }
}
