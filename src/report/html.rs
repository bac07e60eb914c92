//! The report as one page: no network, no script, readable by anyone it is sent to. Must not write files.

mod chart;
mod page;
mod points;
mod ticks;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::ReportError;
use super::model::ResultDocument;

const TEMPLATE: &str = include_str!("../../templates/report/report.html.j2");

/// `doc` as a self-contained HTML page. Every value is escaped by the template engine.
///
/// # Errors
/// Only if the built-in template and its data disagree, which the tests rule out.
pub fn render(doc: &ResultDocument) -> Result<String, ReportError> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    env.set_syntax(syntax.map_err(ReportError::Render)?);
    env.add_template("report.html", TEMPLATE).map_err(ReportError::Render)?;
    let template = env.get_template("report.html").map_err(ReportError::Render)?;
    template.render(Serde(page::page(doc))).map_err(ReportError::Render)
}

#[cfg(test)]
mod tests;
