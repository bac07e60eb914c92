//! Thresholds as they are written: in short, in full, and how a miss is graded. Must not know what a metric is.

use std::time::Duration;

use super::{Tags, codes};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::decode::{Definitions, FromNode, Keys, wrong_type};
use crate::plan::node::{Node, NodeValue};
use crate::units::Factor;

/// What must hold: `p95 < 200ms`, or a map with more to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// The metric, the comparison and the value.
    pub that: Located<String>,
    /// What a miss does; fails the run when absent.
    pub level: Option<Located<Level>>,
    /// What the rows it is about have in common; of all where none are written.
    pub tags: Tags,
    /// Fewer samples than this are `no data`.
    pub min_samples: Option<Located<u64>>,
    /// The length of the windows it is about.
    pub over: Option<Located<Duration>>,
    /// How long it must be broken.
    pub for_: Option<Located<Duration>>,
    /// Whether the run ends when it is broken.
    pub abort: Option<Located<bool>>,
}

plan_keys! {
    /// A threshold with more to say.
    "a threshold"
    pub struct LongThreshold {
        /// The metric, the comparison and the value: `p95 < 200ms`.
        that: Located<String>,
        /// What a miss does; `fail` when absent.
        level: Option<Located<Level>>,
        /// Counts only endpoints and steps that have all of these tags; of the plan or a scenario.
        tags: Tags,
        /// Fewer samples than this are `no data`, which is not a pass.
        min_samples: Option<Located<u64>>,
        /// Evaluates every window of this length, in steps of a second; the worst decides. The whole run when absent.
        over: Option<Located<Duration>>,
        /// Broken only when it is broken in each of so many seconds.
        for_: Option<Located<Duration>>,
        /// Whether the run ends at once when it is broken; `false` when absent.
        abort: Option<Located<bool>>,
    }
    check check_threshold
}

fn check_threshold(threshold: &LongThreshold, _: &Keys<'_>, out: &mut Diagnostics) {
    for (name, time) in [("over", &threshold.over), ("for", &threshold.for_)] {
        let Some(time) = time else { continue };
        let whole =
            time.value.subsec_nanos() == 0 && u32::try_from(time.value.as_secs()).is_ok_and(|s| s > 0);
        if !whole {
            let message = format!("`{name}` is not a whole number of seconds");
            out.push(
                Diagnostic::error(codes::OUT_OF_RANGE, time.span, message)
                    .help(format!("windows move on by a second; write for example `{name}: 10s`")),
            );
        }
    }
}

impl FromNode for Threshold {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        match &node.value {
            NodeValue::String(text) => {
                let that = Located { value: text.clone(), span: node.span };
                let tags = Tags::default();
                Some(Self { that, level: None, tags, min_samples: None, over: None, for_: None, abort: None })
            }
            NodeValue::Map(_) => {
                let long = LongThreshold::from_node(node, out)?;
                Some(Self {
                    that: long.that,
                    level: long.level,
                    tags: long.tags,
                    min_samples: long.min_samples,
                    over: long.over,
                    for_: long.for_,
                    abort: long.abort,
                })
            }
            _ => wrong_type(node, &Self::expected(), out),
        }
    }

    fn expected() -> String {
        "a threshold such as `p95 < 200ms`".to_owned()
    }

    /// `p95: 200ms` and `p95: < 200ms` are `p95 < 200ms`; in a list, as in k6, each stands by itself.
    fn list_for_map(entries: &[(Located<String>, Node)]) -> Option<String> {
        const MOST: usize = 100;
        let line = |(key, value): &(Located<String>, Node)| {
            let whole =
                |text: String| if text.contains('<') || text.contains('>') { Some(text) } else { None };
            if let Some(items) = value.as_list() {
                return items
                    .iter()
                    .map(|item| item.scalar_text().and_then(whole))
                    .collect::<Option<Vec<_>>>();
            }
            let limit = value.scalar_text()?;
            let op = if limit.trim_start().starts_with(['<', '>', '=']) { "" } else { "< " };
            Some(vec![format!("{} {op}{}", key.value, limit.trim())])
        };
        let lines: Vec<_> = entries.iter().map(line).collect::<Option<Vec<_>>>()?.concat();
        let list = format!("[{}]", lines.join(", "));
        (list.len() <= MOST && !list.contains('\n')).then_some(list)
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        serde_json::json!({ "anyOf": [{ "type": "string" }, LongThreshold::schema(defs)] })
    }
}

plan_words! {
    /// What a missed threshold does.
    "a level"
    pub enum Level {
        /// Fails the run.
        Fail = "fail",
        /// Is shown, and fails nothing.
        Warn = "warn",
    }
}

plan_keys! {
    /// How a missed threshold is graded.
    "the grading"
    pub struct Grading {
        /// A value between the threshold and this many times it warns; beyond, it fails.
        tolerance: Option<Located<Factor>>,
    }
    check check_grading
}

fn check_grading(grading: &Grading, _: &Keys<'_>, out: &mut Diagnostics) {
    if let Some(tolerance) = grading.tolerance.as_ref().filter(|t| t.value.0 < 1.0) {
        out.push(
            Diagnostic::error(codes::OUT_OF_RANGE, tolerance.span, "`tolerance` is below 1x")
                .help("write how far beyond the threshold still only warns, for example 2x"),
        );
    }
}
