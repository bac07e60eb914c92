//! The connections to a target in words, for reports that people read. Must not print.

use super::model::TargetInfo;
use super::number::plural;
use super::text::clean;

/// Addresses shown by themselves.
const MOST_ADDRESSES: usize = 8;

/// Which addresses were used, where there were several, and what the TLS handshakes were; empty when neither says
/// anything.
pub fn words(target: &TargetInfo) -> String {
    let mut parts = vec![];
    let used: Vec<_> = target.addresses.iter().filter(|address| address.connections > 0).collect();
    if used.len() > 1 {
        let shown = used.iter().take(MOST_ADDRESSES);
        let mut shown: Vec<_> =
            shown.map(|one| format!("{} × {}", one.connections, clean(&one.address))).collect();
        if used.len() > MOST_ADDRESSES {
            shown.push(format!("and {} more", used.len() - MOST_ADDRESSES));
        }
        parts.push(format!("connections by address: {}", shown.join(", ")));
    }
    if let Some(shaken) = target.handshakes.filter(|shaken| shaken.full + shaken.resumed > 0) {
        let all = plural(shaken.full + shaken.resumed, "TLS handshake");
        parts.push(format!("{all}: {} full, {} resumed", shaken.full, shaken.resumed));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::{AddressUse, Handshakes};

    fn target(connections: &[u64], handshakes: Option<Handshakes>) -> TargetInfo {
        let address = |(number, connections): (usize, &u64)| AddressUse {
            address: format!("192.0.2.{number}"),
            connections: *connections,
        };
        TargetInfo {
            name: "t".into(),
            url: "https://t.example".into(),
            addresses: connections.iter().enumerate().map(address).collect(),
            handshakes,
            look_ups: None,
        }
    }

    #[test]
    fn only_what_says_something() {
        let none = Some(Handshakes { full: 0, resumed: 0 });
        assert_eq!(words(&target(&[], none)), "");
        assert_eq!(words(&target(&[0, 7], None)), "", "of one address nothing needs to be said");
        assert_eq!(
            words(&target(&[3, 0, 2], Some(Handshakes { full: 4, resumed: 1 }))),
            "connections by address: 3 × 192.0.2.0, 2 × 192.0.2.2; 5 TLS handshakes: 4 full, 1 resumed"
        );
        assert!(words(&target(&[1; 20], None)).ends_with("1 × 192.0.2.7, and 12 more"));
    }
}
