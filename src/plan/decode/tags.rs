//! Labels of rows, as a plan writes them: fixed texts, few and short. Must not know which rows there are.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Definitions, FromNode, Scalar, wrong_type};
use crate::diagnostic::{Diagnostic, Diagnostics, Located};
use crate::plan::codes;
use crate::plan::node::Node;

/// Most tags in one place.
const MOST: usize = 16;
/// Most characters of a name.
const LONGEST_NAME: usize = 64;
/// Most characters of a value.
const LONGEST_VALUE: usize = 200;

/// Names and values, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tags(pub Vec<(Located<String>, Located<Scalar>)>);

impl Tags {
    /// The names and values alone.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.value.as_str(), value.value.as_ref()))
    }

    /// The same by name.
    pub fn by_name(&self) -> BTreeMap<String, String> {
        self.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl FromNode for Tags {
    fn from_node(node: &Node, out: &mut Diagnostics) -> Option<Self> {
        let Some(map) = node.as_map() else { return wrong_type(node, &Self::expected(), out) };
        if map.len() > MOST {
            let message = format!("{} tags are too many: there may be {MOST}", map.len());
            let help = "a tag says what rows have in common; what a row is belongs into its name";
            out.push(Diagnostic::error(codes::OUT_OF_RANGE, node.span, message).help(help));
            return None;
        }
        let read = |(name, value): &(Located<String>, Node)| {
            let value = Located::<Scalar>::from_node(value, out)?;
            match problem_of(name, &value) {
                Some(problem) => {
                    out.push(problem);
                    None
                }
                None => Some((name.clone(), value)),
            }
        };
        Some(Self(map.iter().filter_map(read).collect()))
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn expected() -> String {
        "a map of tags such as `{ team: search }`".to_owned()
    }

    fn schema(defs: &mut Definitions) -> Value {
        let mut value = Scalar::schema(defs);
        value["minLength"] = json!(1);
        value["maxLength"] = json!(LONGEST_VALUE);
        json!({
            "type": "object",
            "maxProperties": MOST,
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$", "maxLength": LONGEST_NAME },
            "additionalProperties": value,
        })
    }
}

fn problem_of(name: &Located<String>, value: &Located<Scalar>) -> Option<Diagnostic> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    let error = |code, at, message: String| Diagnostic::error(code, at, message);
    if !is_name(&name.value) {
        let message = format!("`{}` is no name of a tag", name.value);
        let help = "it has letters, digits, `_`, `-` and `.`, and does not start with a digit";
        return Some(error(codes::WRONG_TYPE, name.span, message).help(help));
    }
    if name.value.len() > LONGEST_NAME {
        let message = format!("the name of a tag has at most {LONGEST_NAME} characters");
        return Some(error(codes::OUT_OF_RANGE, name.span, message).help("write a shorter one"));
    }
    let text: &str = value.value.as_ref();
    let (code, message, help) = match text {
        "" => (codes::OUT_OF_RANGE, "is empty", "write a word, or remove the tag"),
        _ if text.contains("{{") || text.contains("{%") => (
            codes::WRONG_TYPE,
            "is computed, and a tag is a fixed text",
            "rows are known before the run: write the text, or change it with `--set` or a profile",
        ),
        _ if text.contains(char::is_control) => {
            (codes::WRONG_TYPE, "holds a line break or a control character", "write one line")
        }
        _ if text.chars().count() > LONGEST_VALUE => {
            (codes::OUT_OF_RANGE, "is longer than 200 characters", "write a shorter one")
        }
        _ => return None,
    };
    Some(error(code, value.span, format!("the tag `{}` {message}", name.value)).help(help))
}
