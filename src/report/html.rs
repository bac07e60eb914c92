//! The report as one page: nothing is loaded, and all of it can be read without its script. Must not write files.

mod beside;
mod chart;
mod frame;
mod hints;
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

pub use beside::{Beside, BesideCell, BesideRow, Side};

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use beside::BesideView;

use super::ReportError;
use super::model::ResultDocument;

const PAGE: &str = include_str!("../../templates/report/report.html.j2");
const PARTS: &str = include_str!("../../templates/report/parts.html.j2");
const STYLE: &str = include_str!("../../templates/report/style.css");
const BOTH: &str = include_str!("../../templates/report/compare.html.j2");
const BESIDE: &str = include_str!("../../templates/report/beside.html.j2");
const SCRIPT: &str = include_str!("../../templates/report/script.js");

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
    page.style_hash = hash(STYLE);
    page.script_hash = hash(SCRIPT);
    page.beside = beside.map(BesideView::of);
    rendered("report.html", page)
}

/// Two versions beside each other as a page of its own.
///
/// # Errors
/// As [`render`].
pub fn render_both(beside: &Beside<'_>) -> Result<String, ReportError> {
    let page = Both { style_hash: hash(STYLE), script_hash: hash(SCRIPT), beside: BesideView::of(beside) };
    rendered("compare.html", page)
}

/// The page of a comparison.
#[derive(Serialize)]
struct Both {
    style_hash: String,
    script_hash: String,
    beside: BesideView,
}

fn rendered(name: &str, page: impl Serialize) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    env.set_syntax(syntax.map_err(ReportError::Render)?);
    let templates = [
        ("report.html", PAGE),
        ("compare.html", BOTH),
        ("beside.html", BESIDE),
        ("parts.html", PARTS),
        ("style.css", STYLE),
        ("script.js", SCRIPT),
    ];
    for (name, text) in templates {
        env.add_template(name, text).map_err(ReportError::Render)?;
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
