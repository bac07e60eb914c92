//! The plan as people write it, right and wrong: whole texts in, models or rendered messages out.

mod hostile;
mod include;
mod messages;
mod overrides;
mod texts;

use super::load::{Loaded, Overrides, load_str};
use super::parse::Format;
use crate::diagnostic::{Source, render_all};

fn load(format: Format, text: &str, overrides: &Overrides) -> Loaded {
    let source = Source { name: "plan.yaml".into(), dir: ".".into(), text: text.to_owned() };
    load_str(format, source, overrides)
}

fn yaml(text: &str) -> Loaded {
    load(Format::Yaml, text, &Overrides::default())
}

fn rendered(loaded: &Loaded) -> String {
    render_all(&loaded.diagnostics, &loaded.sources, false)
}

/// `code message` of every problem, in the order of the text.
fn problems(loaded: &Loaded) -> Vec<String> {
    loaded.diagnostics.sorted().iter().map(|d| format!("{} {}", d.code, d.message)).collect()
}
