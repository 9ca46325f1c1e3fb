//! How many connections each address has open: nobody by himself has every place there is.

use crate::authenticate::counted;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Open connections by address.
#[derive(Debug, Default)]
pub(super) struct Connections {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One counted connection; uncounted when dropped.
pub(super) struct Counted {
    connections: Arc<Connections>,
    address: IpAddr,
}

impl Connections {
    /// `None`: this address (IPv6: its /64) has as many as it may.
    pub(super) fn count(self: &Arc<Self>, address: IpAddr, max: usize) -> Option<Counted> {
        let address = counted(address);
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let open = by_address.entry(address).or_default();
        if *open >= max {
            return None;
        }
        *open += 1;
        metrics::gauge!("shoji_connections").increment(1);
        Some(Counted { connections: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_address = self.connections.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = by_address.get_mut(&self.address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                by_address.remove(&self.address);
            }
        }
        metrics::gauge!("shoji_connections").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// The limit said so, but one host of IPv6, which has a network to itself, took every place.
    #[test]
    fn an_ipv6_network_has_the_connections_of_one_address() {
        let connections = Arc::new(Connections::default());
        let count = |address: &str| connections.count(address.parse().unwrap(), 2);
        let (first, second) = (count("2001:db8::1").unwrap(), count("2001:db8::2").unwrap());
        assert!(count("2001:db8::3").is_none() && count("2001:db8:0:1::1").is_some() && count("192.0.2.1").is_some());
        drop(first);
        assert!(count("2001:db8::3").is_some());
        drop(second);
        assert!(connections.by_address.lock().unwrap().is_empty());
    }

    #[test]
    fn who_has_no_connection_open_is_not_in_the_table() {
        let connections = Arc::new(Connections::default());
        let mut open = std::collections::VecDeque::new();
        for number in 0..200_000_u32 {
            open.push_back(connections.count(IpAddr::V4(number.into()), 1).unwrap());
            assert!(connections.count(IpAddr::V4(number.into()), 1).is_none());
            if open.len() > 100 {
                open.pop_front();
            }
        }
        assert_eq!(connections.by_address.lock().unwrap().len(), 100);
        open.clear();
        assert!(connections.by_address.lock().unwrap().is_empty());
    }
}
