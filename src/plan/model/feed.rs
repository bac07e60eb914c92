//! Data feeds as written: a file or rows, and which row goes where. Must not read any file.

use crate::diagnostic::{Diagnostic, Diagnostics, Located, Span, nearest};
use crate::plan::codes;
use crate::plan::decode::{Definitions, Delimiter, FromNode, Keys, wrong_type};
use crate::plan::node::{Node, NodeValue};

plan_keys! {
    /// A data feed: rows from a file or from the plan.
    "a data feed"
    pub struct LongFeed {
        /// Path of a `.csv`, `.tsv`, `.json` or `.jsonl` file, relative to this plan.
        file: Option<Located<String>>,
        /// The rows themselves, each a map.
        rows: Vec<Node>,
        /// How the file is written, when its name does not say it.
        format: Option<Located<Format>>,
        /// What separates the columns of a CSV file; a comma when absent.
        delimiter: Option<Located<Delimiter>>,
        /// Who takes a row of its own; `iteration` when absent.
        per: Option<Located<Per>>,
        /// In which order rows are taken; `sequential` when absent.
        order: Option<Located<Order>>,
        /// What happens after the last row; `recycle` when absent.
        on_end: Option<Located<OnEnd>>,
        /// Whether no row may be taken twice in a run.
        unique: Option<Located<bool>>,
    }
    later { "share" }
    rules has_rows
    check check_feed
}

fn has_rows(keys: &Keys<'_>, out: &mut Diagnostics) {
    keys.clash("file", "rows", "a feed has one source: keep one of them", out);
    for key in ["format", "delimiter"] {
        keys.clash(
            "rows",
            key,
            "it says how a file is written, and these rows are in the plan: remove it",
            out,
        );
    }
    if keys.span_of("rows").is_some() {
        keys.required("rows", "a data feed", SOURCE, out);
    }
}

const SOURCE: &str = "write `file: users.csv`, or `rows:` with a list of maps";

/// A feed without a source; in a scenario it changes the plan's feed of that name.
pub(super) fn check_sources(plan: &super::Plan, keys: &Keys<'_>, out: &mut Diagnostics) {
    let has = |written: Option<&Node>| {
        let source = |key: &Located<String>| nearest(&key.value, ["file", "rows"]).is_some();
        written.and_then(Node::as_map).is_none_or(|map| map.iter().any(|(key, _)| source(key)))
    };
    let data = |node: &Node, name: &str| node.get("data").and_then(|all| all.get(name)).cloned();
    let of_plan = plan.data.iter().map(|(name, feed)| (feed, data(keys.node(), &name.value), None));
    let of_scenarios = plan.scenarios.iter().flat_map(|(scenario, written)| {
        let node = keys.node().get("scenarios").and_then(|all| all.get(&scenario.value));
        let own = written
            .data
            .iter()
            .filter(|(name, _)| plan.data.iter().all(|(known, _)| known.value != name.value));
        own.map(move |(name, feed)| (feed, node.and_then(|node| data(node, &name.value)), Some(name)))
    });
    for (Feed(feed), node, only_in_scenario) in of_plan.chain(of_scenarios) {
        if has(node.as_ref()) {
            continue;
        }
        let message = match only_in_scenario {
            None => "a data feed needs `file` or `rows`".to_owned(),
            Some(name) => format!(
                "a data feed needs `file` or `rows`, and the plan has no feed `{}` to take them from",
                name.value
            ),
        };
        let error = Diagnostic::error(codes::MISSING_KEY, feed.span, message);
        out.push(error.label("no `file` here").help(SOURCE));
    }
}

impl LongFeed {
    /// What a scenario writes, joined key by key to the plan's feed of that name.
    #[must_use]
    pub fn over(&self, plan: &Self) -> Self {
        let source = if self.file.is_none() && self.rows.is_empty() { plan } else { self };
        Self {
            file: source.file.clone(),
            rows: source.rows.clone(),
            format: self.format.clone().or_else(|| source.format.clone()),
            delimiter: self.delimiter.clone().or_else(|| source.delimiter.clone()),
            per: self.per.clone().or_else(|| plan.per.clone()),
            order: self.order.clone().or_else(|| plan.order.clone()),
            on_end: self.on_end.clone().or_else(|| plan.on_end.clone()),
            unique: self.unique.clone().or_else(|| plan.unique.clone()),
            span: self.span,
        }
    }

    /// Reports what `unique` excludes.
    pub fn check_unique(&self, out: &mut Diagnostics) {
        if self.unique.as_ref().is_some_and(|unique| unique.value) {
            check_unique(self, out);
        }
    }
}

fn check_feed(feed: &LongFeed, _: &Keys<'_>, out: &mut Diagnostics) {
    feed.rows.iter().for_each(|row| check_row(row, out));
    let delimiter = feed.delimiter.as_ref();
    if let (Some(format), Some(delimiter)) = (&feed.format, delimiter)
        && format.value != Format::Csv
    {
        let message = format!("`delimiter` is about CSV, and the format is `{}`", format.value.word());
        out.push(
            Diagnostic::error(codes::CLASH, delimiter.span, message)
                .other(format.span, "the format")
                .help("remove one of them"),
        );
    }
    feed.check_unique(out);
}

fn check_row(row: &Node, out: &mut Diagnostics) {
    let found = match row.as_map() {
        Some(map) if !map.is_empty() => return,
        Some(_) => "an empty one",
        None => row.kind(),
    };
    let message = format!("a row is a map of names and values, found {found}");
    let error = Diagnostic::error(codes::WRONG_TYPE, row.span, message);
    out.push(error.help("write for example `{ name: alice, age: 30 }`"));
}

/// Rows that begin again, or are drawn at random, come twice.
fn check_unique(feed: &LongFeed, out: &mut Diagnostics) {
    let mut refuse = |span: Span, message: &str, help: &str| {
        out.push(Diagnostic::error(codes::CLASH, span, message).help(help));
    };
    if let Some(order) = feed.order.as_ref().filter(|order| order.value == Order::Random) {
        let message = "rows drawn at random come twice, and `unique` forbids it";
        refuse(order.span, message, "write `order: shuffled`: each row once, in random order");
    }
    if let Some(end) = feed.on_end.as_ref().filter(|end| end.value == OnEnd::Recycle)
        && feed.per.as_ref().is_none_or(|per| per.value != Per::User)
    {
        let message = "rows that begin again come twice, and `unique` forbids it";
        refuse(end.span, message, "write `on_end: stop` or `fail`, or `per: user`: a row for each user");
    }
}

plan_words! {
    /// How a data file is written.
    "a format"
    pub enum Format {
        /// A header row, then rows of values.
        Csv = "csv",
        /// A list of objects.
        Json = "json",
        /// One object a line.
        Jsonl = "jsonl",
    }
}

plan_words! {
    /// Who takes a row of its own.
    "a choice for `per`"
    pub enum Per {
        /// Each iteration takes a row.
        Iteration = "iteration",
        /// Each user takes a row and keeps it.
        User = "user",
        /// Each request that uses the feed takes a row.
        Request = "request",
    }
}

plan_words! {
    /// In which order rows are taken.
    "an order"
    pub enum Order {
        /// As in the file.
        Sequential = "sequential",
        /// Each row once, in random order.
        Shuffled = "shuffled",
        /// Any row, each time.
        Random = "random",
    }
}

plan_words! {
    /// What happens after the last row.
    "a choice for `on_end`"
    pub enum OnEnd {
        /// Start again with the first.
        Recycle = "recycle",
        /// End the run.
        Stop = "stop",
        /// End the run as failed.
        Fail = "fail",
    }
}

/// A feed: a map, or in short the path of a file or a list of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Feed(pub LongFeed);

impl Feed {
    fn short(file: Option<Located<String>>, rows: Vec<Node>, span: Span) -> LongFeed {
        let (format, delimiter, per, order, on_end, unique) = (None, None, None, None, None, None);
        LongFeed { file, rows, format, delimiter, per, order, on_end, unique, span }
    }
}

impl FromNode for Feed {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let feed = match &node.value {
            NodeValue::String(path) => {
                let file = Located { value: path.clone(), span: node.span };
                Self::short(Some(file), vec![], node.span)
            }
            NodeValue::List(rows) if !rows.is_empty() => {
                rows.iter().for_each(|row| check_row(row, out));
                Self::short(None, rows.clone(), node.span)
            }
            NodeValue::List(_) => {
                let error = Diagnostic::error(codes::MISSING_KEY, node.span, "this feed has no rows");
                out.push(error.help("write a map for each, such as `- { name: alice }`"));
                return None;
            }
            NodeValue::Map(_) => LongFeed::from_node(node, out)?,
            _ => return wrong_type(node, &Self::expected(), out),
        };
        Some(Self(feed))
    }

    fn expected() -> String {
        "a data feed: the path of a file, a list of rows, or a map with `file` or `rows`".to_owned()
    }

    fn keys() -> &'static [&'static str] {
        LongFeed::keys()
    }

    fn schema(defs: &mut Definitions) -> serde_json::Value {
        let long = LongFeed::schema(defs);
        serde_json::json!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "object" }, "minItems": 1 },
            long,
        ] })
    }
}
