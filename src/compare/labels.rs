//! Several runs a side: if nothing has changed, which runs are called new is arbitrary, so a change counts when hardly any
//! other choice of new runs shows one as large anywhere. Judged over all values at once, which accounts for their number and
//! for how alike they are (Westfall and Young, *Resampling-Based Multiple Testing*, 1993, algorithm 4.1, over all choices
//! where they are few). Assumes nothing about how runs differ but that both sides were run alike. Must not make verdicts.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;

use crate::template::Rng;

use super::Metric;
use super::few::{mean, squares};
use super::rank;
use super::rows::{Pair, Told, Values};

/// Runs a side: with three, 2 of 20 choices show the largest change by chance, one up and one down, which is not rare enough.
pub(super) const FEWEST: usize = 4;
/// Probability of any false "worse" or "better" among all values.
const ALARM: f64 = 0.04;
/// Choices looked at; where there are more, so many at random.
const MOST_CHOICES: usize = 4_000;

/// Tells of every value that both sides have enough of.
pub(super) fn tell(pairs: &mut [Pair<'_>], margin: f64) {
    let mut cells: Vec<(&mut Values, Scores)> = vec![];
    let Some(first) = pairs.first() else { return };
    let choices = choices(first.base.len(), first.base.len() + first.new.len());
    for pair in pairs.iter_mut() {
        let requests = pair.base.iter().chain(&pair.new).map(|row| row.requests).sum::<u64>() as f64;
        let runs = (pair.base.len() + pair.new.len()) as f64;
        for values in pair.values.iter_mut().filter(|values| values.lacks.is_none()) {
            let least = match values.metric {
                Metric::ErrorRatio => failures_by_chance(values, requests / runs),
                _ => margin / 2.0,
            };
            let scores = Scores::of(values, &choices, least);
            cells.push((values, scores));
        }
    }
    let p_values =
        corrected(&cells.iter().map(|(_, scores)| scores.by_choice.as_slice()).collect::<Vec<_>>());
    for ((values, _), p_value) in cells.into_iter().zip(p_values) {
        let [base, new] = values.scaled();
        let change = mean(&new) - mean(&base);
        let [low, high] = rank::interval(&base, &new).unwrap_or([change; 2]);
        values.told = Some(Told {
            interval: [low.min(change), high.max(change)],
            p_value,
            is_significant: p_value <= ALARM,
        });
    }
}

/// Standard deviation of an error ratio of so many requests that chance alone makes; no failure seen is no proof.
fn failures_by_chance(values: &Values, requests: f64) -> f64 {
    let all: Vec<f64> = values.base.iter().chain(&values.new).copied().collect();
    let share = (mean(&all) * requests + 1.0) / (requests + 2.0);
    (share * (1.0 - share) / requests.max(1.0)).sqrt()
}

/// How far apart a choice of new runs is from the others, up or down, in standard deviations of a run; that of the runs that
/// are new first.
struct Scores {
    by_choice: Vec<f64>,
}

impl Scores {
    /// Runs that happen to be alike do not make a trifle a change: `least` is the smallest standard deviation believed.
    fn of(values: &Values, choices: &[Vec<bool>], least: f64) -> Self {
        let [base, new] = values.scaled();
        let all = [base, new].concat();
        let score = |is_new: &Vec<bool>| {
            let side = |wanted: bool| -> Vec<f64> {
                all.iter()
                    .zip(is_new)
                    .filter(|(_, is_new)| **is_new == wanted)
                    .map(|(value, _)| *value)
                    .collect()
            };
            let (base, new) = (side(false), side(true));
            let variance = (squares(&base) + squares(&new)) / (all.len() as f64 - 2.0);
            (mean(&new) - mean(&base)).abs() / (variance + least * least).sqrt().max(1e-12)
        };
        Self { by_choice: choices.iter().map(score).collect() }
    }
}

/// Which runs are called new: first those that are, the last `all - base`, then every other choice, or many at random.
fn choices(base: usize, all: usize) -> Vec<Vec<bool>> {
    let mut choices = vec![];
    if count(base, all) <= MOST_CHOICES as f64 {
        choose(&mut vec![], base, all - base, &mut choices);
        return choices;
    }
    let mut rng = Rng::seed_from_u64(1);
    let mut shuffled: Vec<bool> = (0..all).map(|run| run >= base).collect();
    choices.push(shuffled.clone());
    while choices.len() < MOST_CHOICES {
        shuffled.shuffle(&mut rng);
        choices.push(shuffled.clone());
    }
    choices
}

/// All orders of so many base and new runs after those chosen, base runs before new ones.
fn choose(chosen: &mut Vec<bool>, base: usize, new: usize, all: &mut Vec<Vec<bool>>) {
    if base + new == 0 {
        all.push(chosen.clone());
    }
    for (is_new, base, new) in
        [base.checked_sub(1).map(|base| (false, base, new)), new.checked_sub(1).map(|new| (true, base, new))]
            .into_iter()
            .flatten()
    {
        chosen.push(is_new);
        choose(chosen, base, new, all);
        chosen.pop();
    }
}

/// How many choices there are.
fn count(base: usize, all: usize) -> f64 {
    (0..base).map(|i| (all - i) as f64 / (base - i) as f64).product()
}

/// The share of choices in which the largest score is at least a value's own, step down: a value competes with those that
/// have no larger one.
fn corrected(scores: &[&[f64]]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b][0].total_cmp(&scores[*a][0]));
    let choices = scores.first().map_or(0, |scores| scores.len());
    let mut reached = vec![0usize; scores.len()];
    for choice in 0..choices {
        let mut largest = f64::NEG_INFINITY;
        for at in order.iter().rev() {
            largest = largest.max(scores[*at][choice]);
            // Equal but for rounding is equal.
            reached[*at] += usize::from(largest >= scores[*at][0] - 1e-9);
        }
    }
    let mut share = vec![1.0; scores.len()];
    let mut least = 0.0f64;
    for at in order {
        least = least.max(reached[at] as f64 / choices as f64);
        share[at] = least;
    }
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_once_the_real_one_first() {
        let all = choices(4, 8);
        assert_eq!(all.len(), 70);
        assert_eq!(all[0], [false, false, false, false, true, true, true, true]);
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 70);
        let many = choices(10, 20);
        assert_eq!(many.len(), MOST_CHOICES);
        assert_eq!(many, choices(10, 20), "the same runs give the same answer");
        assert!(many.iter().all(|choice| choice.iter().filter(|is_new| **is_new).count() == 10));
        assert_eq!(count(5, 10), 252.0);
    }

    #[test]
    fn values_are_corrected_for_each_other() {
        // Alone, the first is the largest of four; among both, the second is as large in one other choice.
        let (first, second) = ([3.0, 0.0, 1.0, 2.0], [1.0, 3.0, 0.0, 0.0]);
        assert_eq!(corrected(&[&first]), [0.25]);
        assert_eq!(corrected(&[&first, &second]), [0.5, 0.5]);
        // One that says the same adds nothing.
        assert_eq!(corrected(&[&first, &first]), [0.25, 0.25]);
    }
}
