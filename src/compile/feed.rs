//! Data feeds: opened and checked, which requests use which, and whether their rows suffice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::data::{Feed, Format, OnEnd, Order};
use crate::diagnostic::{Diagnostic, Located, Span};
use crate::plan::model::{self, Entries};
use crate::plan::node::Node;

use super::model::{Entry, FeedUse, Per, Scenario, Step};
use super::names::{Below, KnownFeed};
use super::refusal::Use;
use super::{Compiler, codes, files};

/// The feeds of a plan while it is compiled.
#[derive(Debug, Default)]
pub(super) struct Feeds {
    all: Vec<FeedUse>,
    /// Of each: where its name stands, and what its rows are called.
    origins: Vec<(Span, String)>,
    /// Those the scenario that is being compiled sees, by name.
    visible: BTreeMap<String, usize>,
    /// Those its plan gives to every scenario.
    of_plan: BTreeMap<String, usize>,
    /// Those of the request that is being compiled, of the scenario, and of any.
    in_request: BTreeSet<usize>,
    in_scenario: BTreeSet<usize>,
    in_any: BTreeSet<usize>,
    /// A file is read once, however many feeds have it.
    opened: Vec<(OpenedAs, Arc<Feed>)>,
}

type OpenedAs = (PathBuf, Option<Format>, Option<u8>);

/// Feeds of one scenario.
#[derive(Debug, Default)]
pub(super) struct ScenarioFeeds {
    pub per_iteration: Box<[usize]>,
    pub per_user: Box<[usize]>,
    pub per_request: Box<[usize]>,
}

impl Feeds {
    /// Notes that a text uses these names.
    pub(super) fn note(&mut self, names: &BTreeSet<String>) {
        let roots = names.iter().map(|dotted| dotted.split('.').next().unwrap_or_default());
        for feed in roots.filter_map(|root| self.visible.get(root).copied()) {
            self.in_request.insert(feed);
            self.in_scenario.insert(feed);
            self.in_any.insert(feed);
        }
    }

    /// A request, or an addition to one, is compiled from here on.
    pub(super) fn begin_request(&mut self) {
        self.in_request.clear();
    }

    /// Of what has been compiled since, and of `more`, those that give each request a row.
    pub(super) fn of_request(&self, more: &[usize]) -> Box<[usize]> {
        let used: BTreeSet<_> = self.in_request.iter().chain(more).copied().collect();
        used.into_iter().filter(|feed| self.all[*feed].per == Per::Request).collect()
    }

    /// Whether anything of the scenario uses a feed so far.
    pub(super) fn are_used(&self) -> bool {
        !self.in_scenario.is_empty()
    }

    /// Those the scenario uses, all of it compiled.
    pub(super) fn of_scenario(&self) -> ScenarioFeeds {
        let of = |per| self.in_scenario.iter().copied().filter(|feed| self.all[*feed].per == per).collect();
        ScenarioFeeds {
            per_iteration: of(Per::Iteration),
            per_user: of(Per::User),
            per_request: of(Per::Request),
        }
    }

    /// All of them.
    pub(super) fn take(&mut self) -> Box<[FeedUse]> {
        std::mem::take(&mut self.all).into()
    }
}

impl Compiler<'_> {
    /// Opens the feeds that the plan gives to every scenario.
    pub(super) fn plan_feeds(&mut self) {
        let plan = self.plan;
        self.open_feeds(&plan.data);
        self.feeds.of_plan = self.feeds.visible.clone();
        self.of_plan.feeds = self.known.feeds.clone();
    }

    /// What the scenario that is being entered sees.
    pub(super) fn scenario_feeds(&mut self) {
        self.feeds.in_scenario.clear();
        self.feeds.visible = self.feeds.of_plan.clone();
        self.known.feeds = self.of_plan.feeds.clone();
        let own = self.group.data;
        let of_plan = |name: &str| self.plan.data.iter().find(|(known, _)| known.value == name);
        let joined: Entries<_> = own
            .iter()
            .map(|(name, model::Feed(own))| match of_plan(&name.value) {
                Some((_, model::Feed(plan))) => (name.clone(), model::Feed(own.over(plan))),
                None => (name.clone(), model::Feed(own.clone())),
            })
            .collect();
        for (_, model::Feed(feed)) in &joined {
            feed.check_unique(&mut self.out);
        }
        self.open_feeds(&joined);
    }

    fn open_feeds(&mut self, written: &Entries<model::Feed>) {
        for (name, model::Feed(written)) in written {
            let claimed = self.claim(name, "data feed");
            if self.known.fixed.contains_key(&name.value) {
                let message = format!("`{}` is a variable already", name.value);
                self.error(
                    Diagnostic::error(codes::NAME, name.span, message).help("give one of them another name"),
                );
            }
            let per = per_of(written.per.as_ref());
            let Some((feed, shown)) = self.rows_of(written) else {
                self.known.feeds.insert(name.value.clone(), KnownFeed { below: Below::Any, per });
                continue;
            };
            let below = Below::Only(feed.columns().iter().cloned().collect());
            self.known.feeds.insert(name.value.clone(), KnownFeed { below, per });
            let order = written.order.as_ref().map_or(Order::Sequential, |order| order_of(order.value));
            let unique = written.unique.as_ref().is_some_and(|unique| unique.value);
            let on_end = match &written.on_end {
                Some(end) => end_of(end.value),
                None if unique => OnEnd::Fail,
                None => OnEnd::Recycle,
            };
            self.refuse_random_end(written, order, on_end);
            if claimed {
                let slot = self.names.add(&name.value);
                self.feeds.visible.insert(name.value.clone(), self.feeds.all.len());
                self.feeds.origins.push((name.span, shown));
                let must_suffice = unique || on_end != OnEnd::Recycle;
                let name = name.value.clone();
                self.feeds.all.push(FeedUse { slot, name, feed, per, order, on_end, must_suffice });
            }
        }
    }

    fn refuse_random_end(&mut self, written: &model::LongFeed, order: Order, on_end: OnEnd) {
        let end = written.on_end.as_ref().filter(|_| order == Order::Random && on_end != OnEnd::Recycle);
        if let Some(end) = end {
            let message = "rows taken at random never end, so `on_end` would do nothing";
            self.error(
                Diagnostic::error(codes::DATA, end.span, message)
                    .help("use `order: shuffled` to take each row once"),
            );
        }
    }

    /// The rows, and what they are called in messages.
    fn rows_of(&mut self, written: &model::LongFeed) -> Option<(Arc<Feed>, String)> {
        let Some(file) = &written.file else {
            if written.rows.is_empty() {
                return None; // That there is no source was said when the plan was read.
            }
            let rows = written.rows.iter().map(|row| self.row(row)).collect();
            return Some((Arc::new(Feed::inline(rows)), "the plan".to_owned()));
        };
        let path = self.input(file, Use::Sent)?;
        let format = written.format.as_ref().map(|format| match format.value {
            model::Format::Csv => Format::Csv,
            model::Format::Json => Format::Json,
            model::Format::Jsonl => Format::JsonLines,
        });
        let delimiter = written.delimiter.as_ref().map(|delimiter| delimiter.value.0);
        self.refuse_delimiter(written, &path);
        let opened_as = (path, format, delimiter);
        if let Some((_, feed)) = self.feeds.opened.iter().find(|(known, _)| *known == opened_as) {
            return Some((feed.clone(), file.value.clone()));
        }
        match Feed::open(&opened_as.0, self.bounds.root(), format, delimiter) {
            Ok(feed) => {
                let feed = Arc::new(feed);
                self.feeds.opened.push((opened_as, feed.clone()));
                Some((feed, file.value.clone()))
            }
            // How the file is written may be what a misspelt key says.
            Err(_) if self.written.misses_a_key_in(written.span) && opened_as.0.exists() => None,
            Err(error) => {
                self.error_in_words(codes::DATA, file.span, &files::words_of(&error));
                None
            }
        }
    }

    /// A delimiter of a file that is no CSV by its name; with `format` the plan's own rules say it.
    fn refuse_delimiter(&mut self, written: &model::LongFeed, path: &std::path::Path) {
        let by_name = crate::data::format_of(path).filter(|format| *format != Format::Csv);
        if let (Some(delimiter), None, Some(_)) = (&written.delimiter, &written.format, by_name) {
            let message = "`delimiter` is about CSV, and this file is JSON by its name";
            let problem = Diagnostic::error(codes::DATA, delimiter.span, message);
            self.error(problem.help("remove it, or write `format: csv`"));
        }
    }

    /// A row that stands in the plan: computed once, as a variable is.
    fn row(&mut self, row: &Node) -> Vec<(String, minijinja::Value)> {
        let scope = self.values.clone();
        let cells = row.as_map().unwrap_or_default().iter();
        cells.map(|(name, value)| (name.value.clone(), self.variable(value, &scope))).collect()
    }

    /// What only the whole plan shows: feeds nobody uses, and rows that cannot suffice.
    pub(super) fn check_feeds(&mut self, scenarios: &[Scenario]) {
        if self.out.has_errors() || self.written.has_errors() {
            return;
        }
        for index in 0..self.feeds.all.len() {
            let (span, shown) = self.feeds.origins[index].clone();
            let used = &self.feeds.all[index];
            if !self.feeds.in_any.contains(&index) {
                let message = format!("nothing uses the data feed `{}`", used.name);
                let help = match used.feed.columns().iter().find(|name| super::session::is_identifier(name)) {
                    Some(column) => format!(
                        "write for example `{{{{ {}.{column} }}}}` in a request, or remove it",
                        used.name
                    ),
                    None => "remove it".to_owned(),
                };
                self.error(Diagnostic::warning(codes::DATA, span, message).help(help));
            } else if used.must_suffice {
                let problem = shortage(index, used, scenarios, &shown);
                problem
                    .map(|(message, help)| Diagnostic::error(codes::DATA, span, message).help(help))
                    .into_iter()
                    .for_each(|problem| self.error(problem));
            }
        }
    }
}

/// When the plan takes more rows than there are: how many, and what to do.
fn shortage(index: usize, used: &FeedUse, scenarios: &[Scenario], shown: &str) -> Option<(String, String)> {
    let users = |scenario: &Scenario| match scenario.row_per_user.iter().any(|(feed, _)| *feed == index) {
        true => u64::from(scenario.load.peak()),
        false => 0,
    };
    let iterations = |scenario: &Scenario| match scenario.row_per_iteration.contains(&index) {
        true => scenario.load.iterations().unwrap_or(0),
        false => 0,
    };
    let requests = |scenario: &Scenario| {
        let each = scenario.entries.iter().map(|entry| requests_of(entry, index)).min().unwrap_or(0);
        scenario.load.iterations().unwrap_or(0).saturating_mul(each)
    };
    let sum = |rows: &dyn Fn(&Scenario) -> u64| scenarios.iter().map(rows).fold(0_u64, u64::saturating_add);
    let is_open = || scenarios.iter().any(|s| users(s) > 0 && s.load.arrivals().is_some());
    let (needs, of_what, fewer) = match used.per {
        Per::User if is_open() => (sum(&users), "users at most, a row for each", "lower `max_users`"),
        Per::User => (sum(&users), "users, a row for each", "start fewer users"),
        Per::Iteration => (sum(&iterations), "iterations, a row for each", "ask for fewer iterations"),
        Per::Request => (sum(&requests), "requests at least, a row for each", "ask for fewer iterations"),
    };
    let has = used.feed.len();
    let message = format!("`{}` needs {needs} rows ({needs} {of_what}), and {shown} has {has}", used.name);
    let help = format!("add rows, {fewer}, or let rows be taken again: `on_end: recycle`, without `unique`");
    (needs > has).then_some((message, help))
}

/// How many requests of an iteration take a row, at least.
fn requests_of(entry: &Entry, feed: usize) -> u64 {
    match entry {
        Entry::Endpoint(request) => u64::from(request.rows.contains(&feed)),
        Entry::Flow { steps, .. } => {
            let uses = |step: &&Step| matches!(step, Step::Request(request) if request.rows.contains(&feed));
            steps.iter().filter(uses).count() as u64
        }
    }
}

fn per_of(per: Option<&Located<model::Per>>) -> Per {
    match per.map(|per| per.value) {
        Some(model::Per::Iteration) | None => Per::Iteration,
        Some(model::Per::User) => Per::User,
        Some(model::Per::Request) => Per::Request,
    }
}

fn order_of(order: model::Order) -> Order {
    match order {
        model::Order::Sequential => Order::Sequential,
        model::Order::Shuffled => Order::Shuffled,
        model::Order::Random => Order::Random,
    }
}

fn end_of(end: model::OnEnd) -> OnEnd {
    match end {
        model::OnEnd::Recycle => OnEnd::Recycle,
        model::OnEnd::Stop => OnEnd::Stop,
        model::OnEnd::Fail => OnEnd::Fail,
    }
}
