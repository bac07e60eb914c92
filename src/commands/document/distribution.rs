//! A distribution as the result shows it.

use base64::Engine as _;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use crate::metric;
use crate::report::model::Distribution;

/// `None` without samples.
pub fn distribution(times: &metric::Distribution) -> Option<Distribution> {
    if times.count() == 0 {
        return None;
    }
    let mut encoded = vec![];
    let hdr = match V2DeflateSerializer::new().serialize(times.histogram(), &mut encoded) {
        Ok(_) => base64::engine::general_purpose::STANDARD.encode(encoded),
        // A buffer in memory takes every histogram.
        Err(_) => String::new(),
    };
    Some(Distribution {
        count: times.count(),
        min: times.min(),
        mean: times.mean(),
        stddev: times.stddev(),
        p50: times.quantile(0.5),
        p66: times.quantile(0.66),
        p75: times.quantile(0.75),
        p80: times.quantile(0.8),
        p90: times.quantile(0.9),
        p95: times.quantile(0.95),
        p98: times.quantile(0.98),
        p99: times.quantile(0.99),
        p99_9: times.quantile(0.999),
        p99_99: times.quantile(0.9999),
        max: times.max(),
        hdr,
    })
}
