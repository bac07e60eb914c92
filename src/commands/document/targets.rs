//! What connecting to the targets was, for the result.

use crate::compile::CompiledPlan;
use crate::metric::{TargetCounts, Totals};
use crate::report::model::{AddressUse, Handshakes, LookUps, TargetInfo};
use crate::report::number::plural;

/// All targets of the plan.
pub fn targets(plan: &CompiledPlan, totals: &Totals) -> Vec<TargetInfo> {
    plan.targets
        .iter()
        .enumerate()
        .map(|(index, target)| {
            let nothing = TargetCounts::default();
            let counts = totals.targets.get(index).unwrap_or(&nothing);
            let addresses = counts.addresses.iter();
            TargetInfo {
                name: target.name.clone(),
                url: plan.masker.mask(&target.url()).into_owned(),
                addresses: addresses
                    .map(|(address, connections)| AddressUse {
                        address: address.to_string(),
                        connections: *connections,
                    })
                    .collect(),
                handshakes: target.tls.then_some(Handshakes {
                    full: counts.full_handshakes,
                    resumed: counts.resumed_handshakes,
                }),
                look_ups: (counts.look_ups > 0)
                    .then_some(LookUps { done: counts.look_ups, failed: counts.failed_look_ups }),
            }
        })
        .collect()
}

/// What a reader must know of the look-ups.
pub fn notes<'a>(plan: &'a CompiledPlan, totals: &'a Totals) -> impl Iterator<Item = String> + 'a {
    let failed = plan.targets.iter().zip(&totals.targets).filter(|(_, counts)| counts.failed_look_ups > 0);
    failed.map(|(target, counts)| {
        let why = counts.last_problem.as_deref().unwrap_or("no reason is known");
        let why = plan.masker.mask(why).into_owned();
        format!(
            "{} of {} of `{}` failed, and the addresses found before were used on: {why}",
            counts.failed_look_ups,
            plural(counts.look_ups, "look-up"),
            target.name
        )
    })
}
