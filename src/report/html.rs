//! The report as one page: nothing is loaded, and all of it can be read without its script. Must not write files.

mod beside;
mod chart;
mod frame;
mod hints;
mod index;
mod page;
mod phases;
mod plot;
mod points;
mod rows;
mod since;
mod spread;
mod ticks;
mod top;
mod view;
mod zoom;

pub use beside::{Beside, BesideCell, BesideRow, Side};

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use beside::BesideView;

use super::ReportError;
use super::folder::Runs;
use super::model::ResultDocument;

const PAGE: &str = include_str!("../../templates/report/report.html.j2");
const INDEX: &str = include_str!("../../templates/report/index.html.j2");
const PARTS: &str = include_str!("../../templates/report/parts.html.j2");
const STYLE: &str = include_str!("../../templates/report/style.css");
const BOTH: &str = include_str!("../../templates/report/compare.html.j2");
const BESIDE: &str = include_str!("../../templates/report/beside.html.j2");
const SCRIPT: &str = include_str!("../../templates/report/script.js");
/// uPlot 1.6.32 as its package has it: the charts that a reader can zoom into.
const PLOTS: &str = include_str!("../../templates/report/uplot.js");
/// Goes with every copy.
const PLOTS_LICENSE: &str = include_str!("../../templates/report/uplot.LICENSE");
const PLOTS_STYLE: &str = include_str!("../../templates/report/uplot.css");

/// `doc` as a self-contained HTML page. Every value is escaped by the template engine; of styles and scripts the page's
/// policy allows only ours, by their hashes.
///
/// # Errors
/// Only if the built-in template and its data disagree, which the tests rule out.
pub fn render(doc: &ResultDocument) -> Result<String, ReportError> {
    render_beside(doc, None)
}

/// The same with a part that shows the run beside an earlier one.
///
/// # Errors
/// As [`render`].
pub fn render_beside(doc: &ResultDocument, beside: Option<&Beside<'_>>) -> Result<String, ReportError> {
    let mut page = page::page(doc);
    page.beside = beside.map(BesideView::of);
    rendered("report.html", page, &style(), &script())
}

/// Two versions beside each other as a page of its own.
///
/// # Errors
/// As [`render`].
pub fn render_both(beside: &Beside<'_>) -> Result<String, ReportError> {
    rendered("compare.html", Both { beside: BesideView::of(beside) }, &style(), &script())
}

/// The page of a comparison.
#[derive(Serialize)]
struct Both {
    beside: BesideView,
}

/// The page that lists runs, each with its verdict, and how they change: as [`render`] makes one, without a script.
///
/// # Errors
/// As [`render`].
pub fn render_index(runs: &Runs) -> Result<String, ReportError> {
    rendered("index.html", index::page(runs), STYLE, "")
}

/// `style` and `script` are not escaped.
fn rendered(name: &str, page: impl Serialize, style: &str, script: &str) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    env.set_syntax(syntax.map_err(ReportError::Render)?);
    for (name, text) in [
        ("report.html", PAGE),
        ("compare.html", BOTH),
        ("beside.html", BESIDE),
        ("index.html", INDEX),
        ("parts.html", PARTS),
    ] {
        env.add_template(name, text).map_err(ReportError::Render)?;
    }
    for (name, text) in [("style", style), ("script", script)] {
        env.add_global(name, Value::from_safe_string(text.to_owned()));
        env.add_global(format!("{name}_hash"), hash(text));
    }
    let template = env.get_template(name).map_err(ReportError::Render)?;
    template.render(Serde(page)).map_err(ReportError::Render)
}

fn style() -> String {
    format!("{PLOTS_STYLE}\n{STYLE}")
}

fn script() -> String {
    format!("/*\n{PLOTS_LICENSE}*/\n{PLOTS}\n{SCRIPT}")
}

/// A source expression of a Content Security Policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests;
