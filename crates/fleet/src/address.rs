//! The addresses of endpoints.
//!
//! On Linux all of 127.0.0.0/8 is this host, so every endpoint gets an address of its own with the port that was asked for. Where
//! only 127.0.0.1 is available, or other hosts must reach the endpoints, all share one address and each gets a port.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What addresses are taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressPool {
    /// `127.block.x.y` with the port of the deployment.
    Loopback {
        /// The second byte: programs with other data take other blocks.
        block: u8,
        /// The last pair `x.y` that was given out.
        last: u16,
    },
    /// One address, ports from a range upwards.
    Ports {
        /// The address.
        ip: IpAddr,
        /// The first port.
        first: u16,
        /// The last port that was given out; 0 before any.
        last: u16,
    },
}

impl AddressPool {
    /// The next address that is not in use; `None` if all are.
    pub(crate) fn take(&mut self, port: u16, in_use: impl Fn(SocketAddr) -> bool) -> Option<SocketAddr> {
        (0..self.size()).map(|_| self.next(port)).find(|address| !in_use(*address))
    }

    /// How many addresses endpoints of one port can have.
    pub(crate) fn size(&self) -> usize {
        match self {
            AddressPool::Loopback { .. } => 256 * 254,
            AddressPool::Ports { first, .. } => usize::from(u16::MAX - first) + 1,
        }
    }

    fn next(&mut self, port: u16) -> SocketAddr {
        match self {
            AddressPool::Loopback { block, last } => {
                *last = last.checked_add(1).unwrap_or(1);
                // 0 and 255 at the end look like a network and a broadcast.
                if matches!(*last & 0xff, 0 | 0xff) {
                    return self.next(port);
                }
                let [x, y] = last.to_be_bytes();
                SocketAddr::from((Ipv4Addr::new(127, *block, x, y), port))
            }
            AddressPool::Ports { ip, first, last } => {
                *last = if *last < *first { *first } else { last.checked_add(1).unwrap_or(*first) };
                SocketAddr::new(*ip, *last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_round_and_pass_over_those_in_use() {
        let mut pool = AddressPool::Loopback { block: 7, last: 0xfd };
        let taken = "127.7.1.1:6379".parse().unwrap();
        let next: Vec<String> =
            (0..2).map(|_| pool.take(6379, |address| address == taken).unwrap().to_string()).collect();
        assert_eq!(next, ["127.7.0.254:6379", "127.7.1.2:6379"]);
        let mut pool = AddressPool::Loopback { block: 7, last: 0xfffe };
        assert_eq!(pool.take(1, |_| false).unwrap().to_string(), "127.7.0.1:1");
    }

    #[test]
    fn ports_come_one_after_the_other() {
        let mut pool = AddressPool::Ports { ip: [10, 0, 0, 1].into(), first: 7000, last: 0 };
        let next: Vec<u16> =
            (0..3).map(|_| pool.take(6379, |at| at.port() == 7001).unwrap().port()).collect();
        assert_eq!(next, [7000, 7002, 7003]);
    }

    #[test]
    fn each_address_is_given_out_and_then_none() {
        for (mut pool, size) in [
            (AddressPool::Loopback { block: 7, last: 500 }, 65_024),
            (AddressPool::Ports { ip: [10, 0, 0, 1].into(), first: 65_530, last: 65_533 }, 6),
        ] {
            let taken = std::cell::RefCell::new(std::collections::HashSet::new());
            while let Some(address) = pool.take(6379, |at| taken.borrow().contains(&at)) {
                assert!(taken.borrow_mut().insert(address), "{address}");
            }
            assert_eq!((taken.borrow().len(), pool.size()), (size, size));
        }
    }
}
