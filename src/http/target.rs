//! Where requests go: one base URL.

use http::HeaderValue;
use http::uri::{Scheme, Uri};

/// A base URL, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Name in the plan.
    pub name: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Host without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Value of the `Host` header.
    pub authority: HeaderValue,
    /// Path every request's path is appended to; empty or `/a/b` without a slash at the end.
    pub prefix: String,
}

/// A URL that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a URL.
    #[error("`{0}` is not a URL; write it as http://host:port")]
    NotUrl(String),
    /// Another scheme.
    #[error("`{0}`: only http:// and https:// are supported; write for example http://localhost:9000")]
    Scheme(String),
    /// User and password in it.
    #[error("a target must not hold a user name or password; use `auth` or a header with a secret")]
    Credentials,
    /// A query in it.
    #[error("`{0}`: a target has no query; put it into the request")]
    Query(String),
}

impl Target {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// When it is not an absolute http or https URL without credentials and query.
    pub fn parse(name: &str, url: &str) -> Result<Self, TargetError> {
        let not_url = || TargetError::NotUrl(url.to_owned());
        let uri: Uri = url.trim().parse().map_err(|_| not_url())?;
        let scheme = uri.scheme().ok_or_else(not_url)?;
        let tls = *scheme == Scheme::HTTPS;
        if !tls && *scheme != Scheme::HTTP {
            return Err(TargetError::Scheme(url.to_owned()));
        }
        let authority = uri.authority().ok_or_else(not_url)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::Credentials);
        }
        if uri.query().is_some() {
            return Err(TargetError::Query(url.to_owned()));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(not_url());
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(if tls { 443 } else { 80 }),
            // A port that is written but is none must not become the default one.
            _ => authority.port_u16(),
        };
        Ok(Self {
            name: name.to_owned(),
            tls,
            host,
            port: port.ok_or_else(not_url)?,
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| not_url())?,
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The URL again.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", String::from_utf8_lossy(self.authority.as_bytes()), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let target = Target::parse("t", "https://[::1]/api/v1/").unwrap();
        assert_eq!((target.tls, &*target.host, target.port, &*target.prefix), (true, "::1", 443, "/api/v1"));
        assert_eq!(target.url(), "https://[::1]/api/v1");
        let target = Target::parse("t", "http://localhost:9002").unwrap();
        assert_eq!((target.tls, &*target.host, target.port, &*target.prefix), (false, "localhost", 9002, ""));
        for bad in [
            "localhost:9002",
            "ftp://x",
            "http://u:p@h",
            "http://h/?q=1",
            "",
            "http://",
            "//h",
            "http://h:99999",
        ] {
            assert!(Target::parse("t", bad).is_err(), "{bad}");
        }
    }
}
