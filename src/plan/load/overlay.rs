//! Profiles: a tree laid over the plan. Must not know any key except `profiles` and those of `load`.

use std::collections::HashMap;

use super::flag;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Located, Sources, Span};
use crate::plan::codes;
use crate::plan::decode::FromNode;
use crate::plan::model::Plan;
use crate::plan::node::{Node, NodeValue};

/// Most values laid out to check the profiles that were not chosen, all profiles together.
const MOST_CHECKED: usize = 2_000_000;

/// Lays `over` on `base`: maps are joined key by key, everything else is replaced.
///
/// `load` has exactly one form, so a key of another form replaces the form of the base instead of clashing
/// with it; see [`replace_form`].
pub(super) fn merge(base: &mut Node, over: &Node) {
    merge_at(base, over, At::Plan);
}

fn merge_at(base: &mut Node, over: &Node, at: At) {
    let (Some(map), Some(more)) = (base.as_map_mut(), over.as_map()) else {
        *base = over.clone();
        return;
    };
    // Looked up from the smaller side: hundreds of small files may be laid over one large map.
    let places: HashMap<&str, usize> =
        more.iter().enumerate().map(|(place, (key, _))| (key.value.as_str(), place)).collect();
    let mut is_new = vec![true; more.len()];
    for (key, old) in map.iter_mut() {
        let Some(place) = places.get(key.value.as_str()).copied() else { continue };
        let (over_key, value) = &more[place];
        is_new[place] = false;
        if matches!(at, At::Plan | At::Scenario) && key.value == "load" {
            replace_form(old, value);
        }
        key.span = over_key.span;
        merge_at(old, value, at.below(&key.value));
    }
    map.extend(more.iter().zip(is_new).filter(|(_, is_new)| *is_new).map(|(entry, _)| entry.clone()));
}

/// Where two maps are joined: a load stands in the plan and in each of its scenarios.
#[derive(Clone, Copy)]
enum At {
    Plan,
    Scenarios,
    Scenario,
    Elsewhere,
}

impl At {
    fn below(self, key: &str) -> Self {
        match self {
            Self::Plan if key == "scenarios" => Self::Scenarios,
            Self::Scenarios => Self::Scenario,
            _ => Self::Elsewhere,
        }
    }
}

/// Removes from the load of the base what the overlay's form excludes:
/// - `stages` removes `users`, `rate`, `duration`, `spawn_rate`, `iterations`, `iterations_per_user`;
/// - `duration` or `spawn_rate` removes `stages`, `iterations`, `iterations_per_user`;
/// - `iterations` removes `stages`, `duration`, `spawn_rate`, `iterations_per_user`, and the other way round;
/// - `rate` removes `stages` and all that is about looping users;
/// - `users` removes `stages`, and `rate` with all that is about arrivals.
///
/// Keys the overlay writes itself are never removed: two forms inside one overlay stay an error.
pub(super) fn replace_form(base: &mut Node, over: &Node) {
    const ARRIVALS: &[&str] = &["stages", "rate", "arrivals", "max_users", "on_saturation"];
    const EXCLUDED: [(&str, &[&str]); 7] = [
        ("stages", &["users", "rate", "duration", "spawn_rate", "iterations", "iterations_per_user"]),
        ("duration", &["stages", "iterations", "iterations_per_user"]),
        ("spawn_rate", &["stages", "rate", "iterations", "iterations_per_user"]),
        ("iterations", &["stages", "rate", "duration", "spawn_rate", "iterations_per_user"]),
        ("iterations_per_user", &["stages", "rate", "duration", "spawn_rate", "iterations"]),
        ("rate", &["stages", "users", "spawn_rate", "iterations", "iterations_per_user"]),
        ("users", ARRIVALS),
    ];
    let Some(map) = base.as_map_mut() else { return };
    for (form, excluded) in EXCLUDED {
        if over.get(form).is_some() {
            map.retain(|(key, _)| !excluded.contains(&key.value.as_str()));
        }
    }
}

/// The plan with the chosen profile laid over it.
pub(super) fn with_profile(
    base: &Node,
    chosen: Option<&str>,
    file: FileId,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Node {
    let mut effective = base.clone();
    let Some(chosen) = chosen else { return effective };
    let profiles = base.get("profiles").and_then(Node::as_map).unwrap_or_default();
    match profiles.iter().find(|(name, _)| name.value == chosen) {
        Some((_, over)) if over.as_map().is_some() => merge(&mut effective, over),
        Some(_) => {}
        None => {
            let names: Vec<_> = profiles.iter().map(|(name, _)| name.value.as_str()).collect();
            let span = flag("--profile", chosen, sources);
            let plan = &sources.get(file).name;
            let help = match names.is_empty() {
                true => format!("{plan} has no profiles"),
                false => format!("known profiles: {}", names.join(", ")),
            };
            let message = format!("there is no profile `{chosen}`");
            let error = Diagnostic::error(codes::UNKNOWN_PROFILE, span, message);
            out.push(error.did_you_mean(chosen, names).help(help));
        }
    }
    effective
}

/// Reports what is wrong inside the profiles that were not chosen: a typo there should not wait for the day
/// somebody needs that profile.
pub(super) fn check_other_profiles(base: &Node, chosen: Option<&str>, out: &mut Diagnostics) {
    let Some((key, profiles)) = base.entry("profiles").and_then(|(key, all)| Some((key, all.as_map()?)))
    else {
        return;
    };
    if profiles.len() > MOST_CHECKED / base.count().max(1) {
        let message = "the plan is too large for so many profiles";
        let error = Diagnostic::error(codes::LIMIT, key.span, message);
        out.push(error.help("split it into several plans, or move large bodies and data to files"));
        return;
    }
    for (name, over) in profiles {
        if over.as_map().is_none() {
            let message = format!("expected a map of changes, found {}", over.kind());
            out.push(
                Diagnostic::error(codes::WRONG_TYPE, over.span, message)
                    .help("write for example `{ load: { users: 1, iterations: 5 } }`"),
            );
        } else if let Some(inner) = ["profiles", "plan", "include"].iter().find_map(|key| over.entry(key)) {
            refuse_inner(&inner.0, out);
        } else if Some(name.value.as_str()) != chosen {
            check_profile(base, over, out);
        }
    }
}

fn refuse_inner(key: &Located<String>, out: &mut Diagnostics) {
    let message = format!("`{}` cannot be changed by a profile", key.value);
    out.push(Diagnostic::error(codes::UNKNOWN_KEY, key.span, message).help("remove it"));
}

fn check_profile(base: &Node, over: &Node, out: &mut Diagnostics) {
    let mut laid = base.clone();
    if let Some(map) = laid.as_map_mut() {
        map.retain(|(key, _)| key.value != "profiles");
    }
    merge(&mut laid, over);
    let mut found = Diagnostics::default();
    let _ = Plan::from_node(&laid, &mut found);
    let inside = |span: Span| over.span.start <= span.start && span.end <= over.span.end;
    found.sorted().into_iter().filter(|d| inside(d.span)).cloned().for_each(|d| out.push(d));
}

/// An empty map at a place.
pub(super) fn empty_map(span: Span) -> Node {
    Node::new(NodeValue::Map(vec![]), span)
}
