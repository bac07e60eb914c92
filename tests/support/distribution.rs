//! Distributions of the result read back: the numbers beside the histogram, and any percentile from it.

use base64::Engine as _;
use hdrhistogram::Histogram;
use serde_json::Value;

/// A distribution of a row, such as `latency_us`.
#[derive(Debug, Clone)]
pub struct Distribution {
    pub count: u64,
    pub min_us: u64,
    pub mean_us: f64,
    pub max_us: u64,
    histogram: Histogram<u64>,
}

impl Distribution {
    /// Reads what must be there.
    #[track_caller]
    pub fn read(row: &Value, name: &str) -> Self {
        Self::read_if_there(row, name).unwrap_or_else(|| panic!("no `{name}`: {row}"))
    }

    /// Reads a phase that no request may have had.
    pub fn read_if_there(row: &Value, name: &str) -> Option<Self> {
        let value = row.get(name).filter(|value| value.is_object())?;
        let number = |name: &str| value[name].as_u64().unwrap_or_else(|| panic!("no `{name}`: {value}"));
        let bytes = base64::prelude::BASE64_STANDARD.decode(value["hdr"].as_str().unwrap()).unwrap();
        let mut histogram: Histogram<u64> = hdrhistogram::serialization::Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        histogram.auto(true);
        Some(Self {
            count: number("count"),
            min_us: number("min"),
            mean_us: value["mean"].as_f64().unwrap(),
            max_us: number("max"),
            histogram,
        })
    }

    /// Value below or at which so many percent of the samples are.
    pub fn percentile_us(&self, percent: f64) -> f64 {
        self.histogram.value_at_quantile(percent / 100.0) as f64
    }

    /// Samples over a value; exact but for those within the histogram's 0.1 % of it.
    pub fn over(&self, value_us: u64) -> u64 {
        self.histogram
            .iter_recorded()
            .filter(|step| step.value_iterated_to() > value_us)
            .map(|step| step.count_at_value())
            .sum()
    }

    /// Sum of all samples.
    pub fn sum_us(&self) -> f64 {
        self.mean_us * self.count as f64
    }

    /// Adds the samples of another run.
    pub fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        self.mean_us = (self.sum_us() + other.sum_us()) / count.max(1) as f64;
        self.count = count;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.histogram.add(&other.histogram).unwrap();
    }
}
