//! What to look at first when requests fail in a certain way. Must say the same as the table of the guide's page of
//! numbers.

use crate::failure::Failure;

/// The first thing to look at after failures of `kind`, as results name it.
pub(super) fn hint(kind: &str) -> Option<&'static str> {
    Failure::ALL.iter().find(|failure| failure.name() == kind).map(|failure| of(*failure))
}

fn of(failure: Failure) -> &'static str {
    match failure {
        Failure::Dns => "the name in targets; the resolver of this machine",
        Failure::ConnectRefused => "is the service up? is the port right? use ready",
        Failure::ConnectTimeout => "firewall, full accept queue, wrong address",
        Failure::ConnectReset => "a proxy or load balancer in between",
        Failure::ConnectUnreachable => "is the host up? routers and firewalls on the way",
        Failure::TlsCertificate => "the certificate; the system's root certificates; tls.ca, tls.cert",
        Failure::TlsHandshake => "protocol versions; is it plain HTTP on that port?",
        Failure::TlsTimeout => "a target that is stuck; a port that expects the client to wait",
        Failure::Send => "body limits of the target or a proxy",
        Failure::TimeoutSend => "does the target read the body? timeout, bandwidth",
        Failure::TimeoutHeaders => "the target is slow or stuck; or timeout is too short",
        Failure::TimeoutBody => "large or stalling answers",
        Failure::Reset => "crashes, restarts, connection limits",
        Failure::ClosedBeforeHeaders => "worker restarts; a keep-alive limit as short as the pauses",
        Failure::ClosedMidBody => "crashes while answering; proxies cutting off",
        Failure::Protocol => "is it HTTP at all on that port? the length that the answer says",
        Failure::BodyTooLarge => {
            "ask for single paths such as json[0].id; another part of the answer; raise http.max_values"
        }
        Failure::Decode => "an HTML error page?",
        Failure::RedirectLoop => "where location leads; plimsoll try shows each hop",
        Failure::RedirectOutside => "where location leads; add the target, or redirects: 0",
        Failure::Status => "the service's logs",
        Failure::Expect => "the expectation, then the service",
        Failure::Capture => "the expression; the answer in the report",
        Failure::Template => "where that name is captured, and whether that ran before",
        Failure::LocalFds => "ulimit -n",
        Failure::LocalPorts => "fewer users, more local_addresses",
        Failure::LocalRoute => "ip route get ADDRESS; VPN, IPv6, firewall of this machine",
        Failure::LocalMemory => "fewer users, smaller data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cell of the guide as plain words.
    fn plain(cell: &str) -> String {
        let link = |text: String| match (text.find('['), text.find("](")) {
            (Some(from), Some(to)) if from < to => {
                let end = text[to..].find(')').map_or(text.len(), |at| to + at + 1);
                format!("{}{}{}", &text[..from], &text[from + 1..to], &text[end..])
            }
            _ => text,
        };
        link(cell.trim().replace('`', ""))
    }

    #[test]
    fn the_guide_says_the_same() {
        let guide = include_str!("../../../docs/guide/numbers.md").split("## Failures").nth(1).unwrap();
        for failure in Failure::ALL {
            let row =
                guide.lines().find(|line| line.starts_with(&format!("| `{}` |", failure.name()))).unwrap();
            let last = row.trim_end_matches('|').rsplit('|').next().unwrap();
            assert_eq!(hint(failure.name()), Some(plain(last).as_str()));
        }
        assert_eq!(hint("interrupted"), None);
    }
}
