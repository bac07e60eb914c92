//! Whether something kept a run's generator from its work, so that its numbers are no measure for other runs. Milder than what
//! makes a run invalid: its thresholds can be judged. Source of the rule: "When not to believe a result" in `docs/guide/numbers.md`.

use crate::report::model::ResultDocument;
use crate::report::number;

/// Workers that wait for a core more than this share of the time share it with something else. Also for a CPU quota.
const SHARE: f64 = 0.1;
/// As late as a generator on an idle core may be, 99 %, µs.
const LATENESS_FLOOR_US: f64 = 1_500.0;
/// A lateness above this share of p95 could be as large as a change that counts.
const LATENESS_SHARE: f64 = 0.05;

/// What disturbed the generator of a run, in words; `None` when nothing did, or the result does not say.
pub(super) fn disturbed(doc: &ResultDocument) -> Option<String> {
    let generator = &doc.generator;
    let percent = |share: f64| number::value(share, "ratio");
    let quiet = "make it while nothing else runs on that machine";
    if let Some(share) = generator.queued_share.filter(|share| *share > SHARE) {
        let allowed = percent(SHARE);
        return Some(format!(
            "its workers waited for a core {} of the time, and {allowed} is allowed; {quiet}",
            percent(share)
        ));
    }
    let held_back = generator.throttled_us.map(|us| us as f64 / 1e6 / doc.run.duration_s);
    if let Some(share) = held_back.filter(|share| *share > SHARE && share.is_finite()) {
        return Some(format!("a CPU quota held its generator back {} of the time; raise it", percent(share)));
    }
    let p95_us = doc.totals.latency_us.as_ref().map_or(0.0, |latency| latency.p95 as f64);
    let late_us = generator.lateness_us? as f64;
    (late_us > LATENESS_FLOOR_US.max(LATENESS_SHARE * p95_us)).then(|| {
        format!(
            "its generator was up to {} late (p99), where its p95 is {}; {quiet}",
            number::seconds(late_us / 1e6),
            number::seconds(p95_us / 1e6)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::report::model::Generator;

    #[test]
    fn what_disturbs() {
        let with = |p95_us: u64, change: &dyn Fn(&mut Generator)| {
            let mut doc = fixture::failing();
            doc.totals.latency_us.as_mut().unwrap().p95 = p95_us;
            change(&mut doc.generator);
            disturbed(&doc)
        };
        assert_eq!(with(700, &|_| {}), None, "an older result does not say");
        // Three busy loops on its core: p95 was 8 ms for 0.7 ms.
        let busy = with(8_000, &|g| g.queued_share = Some(0.41)).unwrap();
        assert!(
            busy.starts_with("its workers waited for a core 41 % of the time, and 10 % is allowed"),
            "{busy}"
        );
        assert_eq!(with(8_000, &|g| g.queued_share = Some(0.09)), None);
        let late = |p95_us, us| with(p95_us, &|g| g.lateness_us = Some(us));
        assert!(late(8_000, 4_000).unwrap().contains("up to 4 ms late (p99), where its p95 is 8 ms"));
        assert_eq!(late(120_000, 4_000), None, "a thirtieth of what it measured");
        assert_eq!(late(700, 1_400), None, "as an idle core");
        assert!(late(700, 1_600).is_some());
        assert!(with(700, &|g| g.throttled_us = Some(30_000_000)).unwrap().contains("CPU quota"));
        assert_eq!(with(700, &|g| g.throttled_us = Some(30_000)), None);
    }
}
