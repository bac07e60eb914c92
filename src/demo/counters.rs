//! Requests counted per route pattern at arrival. Must not look at bodies or decide answers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Service;

/// A method and a path pattern; a `{name}` segment stands for any one segment.
pub(super) type Route = (&'static str, &'static str);

/// One counter a route, and one for everything else.
pub(super) struct Counters {
    service: Service,
    routes: &'static [Route],
    counts: Vec<AtomicU64>,
    other: AtomicU64,
}

impl Counters {
    pub(super) fn new(service: Service, routes: &'static [Route]) -> Counters {
        let counts = routes.iter().map(|_| AtomicU64::new(0)).collect();
        Counters { service, routes, counts, other: AtomicU64::new(0) }
    }

    /// Counts one request.
    pub(super) fn count(&self, method: &str, path: &str) {
        let known = self.routes.iter().position(|&(verb, pattern)| verb == method && matches(pattern, path));
        let counter = known.map_or(&self.other, |at| &self.counts[at]);
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// `"POST auth:/auth/login"` → count, zeroes included, the rest under `"other"`.
    pub(super) fn snapshot(&self) -> BTreeMap<String, u64> {
        let name = self.service.name();
        let known = self.routes.iter().zip(&self.counts).map(|((method, pattern), count)| {
            (format!("{method} {name}:{pattern}"), count.load(Ordering::Relaxed))
        });
        known.chain([("other".to_owned(), self.other.load(Ordering::Relaxed))]).collect()
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains('{') {
        return pattern == path;
    }
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(got)) if want == got || (want.starts_with('{') && !got.is_empty()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_exactly_one_segment() {
        assert!(matches("/agents/{id}/execute", "/agents/7/execute"));
        assert!(matches("/agents/{id}", "/agents/7"));
        assert!(!matches("/agents/{id}", "/agents/"));
        assert!(!matches("/agents/{id}", "/agents/7/execute"));
        assert!(!matches("/agents/", "/agents"));
    }

    #[test]
    fn counts_by_method_and_pattern() {
        let counters = Counters::new(Service::Agents, &[("GET", "/agents/{id}"), ("GET", "/health")]);
        counters.count("GET", "/agents/1");
        counters.count("GET", "/agents/2");
        counters.count("DELETE", "/agents/2");
        let seen = counters.snapshot();
        assert_eq!(seen["GET agents:/agents/{id}"], 2);
        assert_eq!(seen["GET agents:/health"], 0);
        assert_eq!(seen["other"], 1);
    }
}
