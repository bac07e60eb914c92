//! The report as one page: nothing is loaded, and all of it can be read without its script. Must not write files.

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

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::ReportError;
use super::folder::Runs;
use super::model::ResultDocument;

const PAGE: &str = include_str!("../../templates/report/report.html.j2");
const INDEX: &str = include_str!("../../templates/report/index.html.j2");
const PARTS: &str = include_str!("../../templates/report/parts.html.j2");
const STYLE: &str = include_str!("../../templates/report/style.css");
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
    let style = format!("{PLOTS_STYLE}\n{STYLE}");
    let script = format!("/*\n{PLOTS_LICENSE}*/\n{PLOTS}\n{SCRIPT}");
    let mut page = page::page(doc);
    page.style_hash = hash(&style);
    page.script_hash = hash(&script);
    rendered("report.html", page, [("style", style), ("script", script)])
}

/// The page that lists runs, each with its verdict, and how they change: as [`render`] makes one, without a script.
///
/// # Errors
/// As [`render`].
pub fn render_index(runs: &Runs) -> Result<String, ReportError> {
    let mut page = index::page(runs);
    page.style_hash = hash(STYLE);
    rendered("index.html", page, [("style", STYLE.to_owned())])
}

/// `ours` is not escaped.
fn rendered(
    name: &str,
    page: impl Serialize,
    ours: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    env.set_syntax(syntax.map_err(ReportError::Render)?);
    for (name, text) in [("report.html", PAGE), ("index.html", INDEX), ("parts.html", PARTS)] {
        env.add_template(name, text).map_err(ReportError::Render)?;
    }
    for (name, text) in ours {
        env.add_global(name, Value::from_safe_string(text));
    }
    let template = env.get_template(name).map_err(ReportError::Render)?;
    template.render(Serde(page)).map_err(ReportError::Render)
}

/// A source expression of a Content Security Policy.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests;
