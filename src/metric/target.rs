//! What connecting to one target was: to which addresses, with which TLS handshakes. Must not connect.

use std::net::IpAddr;

/// Addresses of one target that are counted by themselves.
const MOST_ADDRESSES: usize = 256;

/// The connections to one target.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TargetCounts {
    /// TLS handshakes that made a new session.
    pub full_handshakes: u64,
    /// TLS handshakes that resumed an earlier session.
    pub resumed_handshakes: u64,
    /// Addresses that are known, in the order they were found, with the connections to each.
    pub addresses: Vec<(IpAddr, u64)>,
    /// Connections to further addresses.
    pub elsewhere: u64,
    /// Look-ups of its name that ended.
    pub look_ups: u64,
    /// Those that failed while addresses of an earlier one were known.
    pub failed_look_ups: u64,
    /// Why the last of them failed, in words.
    pub last_problem: Option<String>,
}

impl TargetCounts {
    /// Counts connections to an address; 0 only notes that it is known.
    pub fn connected(&mut self, address: IpAddr, connections: u64) {
        match self.addresses.iter().position(|(known, _)| *known == address) {
            Some(at) => self.addresses[at].1 += connections,
            None if self.addresses.len() < MOST_ADDRESSES => self.addresses.push((address, connections)),
            None => self.elsewhere += connections,
        }
    }

    /// Adds those of another worker or second.
    pub fn add(&mut self, other: &Self) {
        self.full_handshakes += other.full_handshakes;
        self.resumed_handshakes += other.resumed_handshakes;
        other.addresses.iter().for_each(|(address, count)| self.connected(*address, *count));
        self.elsewhere += other.elsewhere;
        self.look_ups += other.look_ups;
        self.failed_look_ups += other.failed_look_ups;
        if other.last_problem.is_some() {
            self.last_problem.clone_from(&other.last_problem);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn sums_are_exact_however_many_addresses_there_are() {
        let mut all = TargetCounts::default();
        for number in 0..1000u32 {
            let mut one = TargetCounts { full_handshakes: 1, ..TargetCounts::default() };
            one.connected(Ipv4Addr::from(number).into(), 2);
            all.add(&one);
            all.add(&one);
        }
        let counted: u64 = all.addresses.iter().map(|(_, count)| count).sum();
        assert_eq!((all.addresses.len(), counted + all.elsewhere), (MOST_ADDRESSES, 4000));
        assert_eq!(all.full_handshakes, 2000);
    }
}
