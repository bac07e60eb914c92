//! Which hosts may be connected to: those that the command line allows, and which addresses nothing may be sent to unless it
//! names them. Must not connect or look anything up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A host that the command line allows, at one port or at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In small letters.
    Name(String),
    /// All names that end in this, which begins with a dot.
    Below(String),
}

impl AllowedHost {
    /// Whether it allows a host as a URL writes it, without brackets.
    pub fn permits(&self, host: &str, port: u16) -> bool {
        let is_host = match &self.host {
            Host::Address(allowed) => {
                host.parse().is_ok_and(|address: IpAddr| address.to_canonical() == *allowed)
            }
            Host::Name(allowed) => plain(host) == *allowed,
            Host::Below(ending) => {
                plain(host).strip_suffix(ending.as_str()).is_some_and(|rest| !rest.is_empty())
            }
        };
        is_host && self.port.is_none_or(|allowed| allowed == port)
    }

    /// Whether it names this address itself; a name that leads there is not enough.
    fn names(&self, peer: SocketAddr) -> bool {
        let is_address = self.host == Host::Address(peer.ip().to_canonical());
        is_address && self.port.is_none_or(|allowed| allowed == peer.port())
    }

    /// Whether it is an address that is refused without it.
    pub fn is_metadata(&self) -> bool {
        matches!(self.host, Host::Address(address) if is_metadata(address))
    }
}

impl FromStr for AllowedHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "write HOST or HOST:PORT, such as staging.example.com, *.example.com or 127.0.0.1:8080".to_owned()
        };
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Self { host: Host::Address(address.to_canonical()), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => {
                (host, Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = inner.parse::<IpAddr>() {
            return Ok(Self { host: Host::Address(address.to_canonical()), port });
        }
        let (is_below, name) = host.strip_prefix("*.").map_or((false, host), |name| (true, name));
        let name = plain(name);
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_name) {
            return Err(wrong());
        }
        let host = if is_below { Host::Below(format!(".{name}")) } else { Host::Name(name) };
        Ok(Self { host, port })
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Address(IpAddr::V6(address)) if self.port.is_some() => write!(out, "[{address}]"),
            Host::Address(address) => write!(out, "{address}"),
            Host::Name(name) => out.write_str(name),
            Host::Below(ending) => write!(out, "*{ending}"),
        }?;
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

/// A name as it is compared: in small letters, without the dot of the root.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Why nothing may be sent to `peer`, unless one of `allowed` names its address.
pub fn refusal(peer: SocketAddr, allowed: &[AllowedHost]) -> Option<String> {
    if !is_metadata(peer.ip()) || allowed.iter().any(|host| host.names(peer)) {
        return None;
    }
    let address = peer.ip().to_canonical();
    Some(format!(
        "refused by plimsoll: {address} is a link-local metadata address, from which machines of a cloud are given their \
         credentials; `--allow-target {address}` allows it"
    ))
}

/// Whether a cloud gives its machines credentials from this address, or may: all that is link-local, and what providers use
/// besides.
fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_metadata_v4(address),
        IpAddr::V6(address) => is_metadata_v6(address),
    }
}

fn is_metadata_v4(address: Ipv4Addr) -> bool {
    /// Of Alibaba Cloud.
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    /// Of Azure, which hands out settings and certificates of the machine there.
    const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    address.is_link_local() || [ALIBABA, AZURE].contains(&address)
}

fn is_metadata_v6(address: Ipv6Addr) -> bool {
    /// Of Google Cloud.
    const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    // Forms that hold an IPv4 address, to which a gateway sends what goes to them: RFC 6052, RFC 3056, RFC 4291.
    let inner = match (a, b, [c, d, e, f]) {
        (0x64, 0xff9b, [0, 0, 0, 0]) | (0, 0, [0, 0, 0, 0]) => Some(v4(g, h)),
        (0x2002, high, [low, ..]) => Some(v4(high, low)),
        _ => None,
    };
    // `fd00:ec2::/32` is of AWS.
    inner.is_some_and(is_metadata_v4)
        || address.is_unicast_link_local()
        || (a, b) == (0xfd00, 0xec2)
        || address == GOOGLE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> AllowedHost {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn hosts_as_they_are_allowed() {
        for (allowed, url_host, port, expected) in [
            ("staging.example.com", "staging.example.com", 443, true),
            ("staging.example.com", "STAGING.Example.com.", 80, true),
            ("Staging.example.com.", "staging.example.com", 80, true),
            ("staging.example.com", "xstaging.example.com", 80, false),
            ("staging.example.com", "a.staging.example.com", 80, false),
            ("staging.example.com", "staging.example.com.evil.example", 80, false),
            ("staging.example.com:8443", "staging.example.com", 8443, true),
            ("staging.example.com:8443", "staging.example.com", 443, false),
            ("*.example.com", "a.example.com", 80, true),
            ("*.example.com", "a.b.EXAMPLE.com", 80, true),
            ("*.example.com", "example.com", 80, false),
            ("*.example.com", "evilexample.com", 80, false),
            ("*.example.com", ".example.com", 80, false),
            ("*.example.com:81", "a.example.com", 80, false),
            ("localhost", "127.0.0.1", 80, false),
            ("127.0.0.1", "localhost", 80, false),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1", "::ffff:127.0.0.1", 80, true),
            ("127.0.0.1", "127.1", 80, false),
            ("127.0.0.1", "0.0.0.0", 80, false),
            ("127.0.0.1:80", "127.0.0.1", 81, false),
            ("::1", "0:0:0:0:0:0:0:1", 80, true),
            ("[::1]", "::1", 80, true),
            ("[::1]:8080", "::1", 8080, true),
            ("[::1]:8080", "::1", 80, false),
        ] {
            assert_eq!(host(allowed).permits(url_host, port), expected, "{allowed}: {url_host}:{port}");
        }
    }

    #[test]
    fn what_is_no_host() {
        for wrong in [
            "",
            "*",
            "*.",
            "a*.example.com",
            "*.*.com",
            "http://a",
            "a/b",
            "u@a",
            "a:0",
            "a:b",
            "a:70000",
            "a b",
            "::1:x",
            ".a",
        ] {
            assert!(wrong.parse::<AllowedHost>().is_err(), "{wrong:?}");
        }
        for shown in ["a.example", "*.a.example:80", "::1", "[::1]:80", "127.0.0.1:80"] {
            assert_eq!(host(shown).to_string(), shown);
        }
    }

    #[test]
    fn addresses_that_hand_out_credentials() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "::ffff:169.254.169.254",
            "::ffff:a9fe:a9fe",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
        ] {
            assert!(is_metadata(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "169.253.255.255",
            "100.100.100.201",
            "fd00::1",
            "fd20:ce::1",
            "::",
            "2001:db8::1",
        ] {
            assert!(!is_metadata(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn only_the_address_itself_allows_it() {
        let peer = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let metadata = peer("169.254.169.254:80");
        assert!(refusal(metadata, &[]).unwrap().contains("169.254.169.254 is a link-local metadata address"));
        for (allowed, expected) in [
            ("169.254.169.254", true),
            ("::ffff:169.254.169.254", true),
            ("169.254.169.254:80", true),
            ("169.254.169.254:81", false),
            ("169.254.170.2", false),
            ("metadata.google.internal", false),
            ("*.google.internal", false),
        ] {
            assert_eq!(refusal(metadata, &[host(allowed)]).is_none(), expected, "{allowed}");
        }
        assert!(refusal(peer("[::ffff:169.254.169.254]:80"), &[host("169.254.169.254")]).is_none());
        assert_eq!(refusal(peer("127.0.0.1:80"), &[]), None);
    }
}
