//! A plan as YAML with a word about where each value comes from behind it. Must not know any key of a plan.

use serde_json::Value;

use crate::plan::node::{Node, NodeValue};

/// Comments stand in one column, unless it lies beyond this one.
const FARTHEST: usize = 60;

/// A line of YAML and what is said about it.
struct Line {
    text: String,
    comment: Option<String>,
}

/// The text of `value`, which is `tree` with secrets hidden; `origin` says where a value of the tree comes from.
pub fn text(value: &Value, tree: Option<&Node>, origin: &dyn Fn(&Node) -> Option<String>) -> String {
    let mut writer = Writer { lines: vec![], origin };
    writer.put(None, 0, value, tree);
    let width = |line: &&Line| line.text.chars().count();
    let commented = || writer.lines.iter().filter(|line| line.comment.is_some());
    let column = commented().map(|line| width(&line)).filter(|width| *width <= FARTHEST).max().unwrap_or(0);
    let mut out = String::new();
    for line in &writer.lines {
        out.push_str(&line.text);
        if let Some(comment) = &line.comment {
            let gap = column.saturating_sub(width(&line)) + 2;
            out.push_str(&format!("{}# {comment}", " ".repeat(gap)));
        }
        out.push('\n');
    }
    out
}

struct Writer<'a> {
    lines: Vec<Line>,
    origin: &'a dyn Fn(&Node) -> Option<String>,
}

/// What stands before a value on its line: a key, the dash of a list.
enum Head {
    Key(String),
    Dash(String),
}

impl Writer<'_> {
    fn put(&mut self, head: Option<Head>, depth: usize, value: &Value, node: Option<&Node>) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let (mut lead, depth) = self.open(head, depth);
                let entries = node.and_then(Node::as_map).filter(|entries| entries.len() == map.len());
                for (index, (key, item)) in map.iter().enumerate() {
                    let lead = lead.take().unwrap_or_else(|| "  ".repeat(depth));
                    let node = entries.and_then(|entries| entries.get(index)).map(|(_, node)| node);
                    self.put(Some(Head::Key(format!("{lead}{}:", one_line(key)))), depth, item, node);
                }
            }
            Value::Array(list) if !list.is_empty() => {
                let (mut lead, depth) = self.open(head, depth);
                let items = node.and_then(Node::as_list).filter(|items| items.len() == list.len());
                for (index, item) in list.iter().enumerate() {
                    let lead = lead.take().unwrap_or_else(|| "  ".repeat(depth));
                    let node = items.and_then(|items| items.get(index));
                    self.put(Some(Head::Dash(format!("{lead}-"))), depth, item, node);
                }
            }
            single => self.single(head, depth, single, node),
        }
    }

    /// What begins the first line inside a map or list, and how deep it stands.
    fn open(&mut self, head: Option<Head>, depth: usize) -> (Option<String>, usize) {
        match head {
            None => (None, depth),
            Some(Head::Key(text)) => {
                self.lines.push(Line { text, comment: None });
                (None, depth + 1)
            }
            Some(Head::Dash(text)) => (Some(format!("{text} ")), depth + 1),
        }
    }

    fn single(&mut self, head: Option<Head>, depth: usize, value: &Value, node: Option<&Node>) {
        let comment = node.and_then(|node| (self.origin)(node));
        let head = match head {
            Some(Head::Key(text) | Head::Dash(text)) => format!("{text} "),
            None => String::new(),
        };
        let block = value.as_str().filter(|text| is_block(text));
        let Some(text) = block else {
            let text = match value {
                Value::String(text) => one_line(text),
                Value::Number(_) if let Some(NodeValue::Float(number)) = node.map(|node| &node.value) => {
                    number.text().to_owned()
                }
                other => other.to_string(),
            };
            self.lines.push(Line { text: format!("{head}{text}"), comment });
            return;
        };
        let mark = if text.ends_with('\n') { "|" } else { "|-" };
        self.lines.push(Line { text: format!("{head}{mark}"), comment });
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let indent = if line.is_empty() { String::new() } else { "  ".repeat(depth + 1) };
            self.lines.push(Line { text: format!("{indent}{line}"), comment: None });
        }
    }
}

/// Whether a text of several lines can stand as a block, exactly as it is.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    let is_plain = |c: char| {
        c == '\n'
            || (!c.is_control() && c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}' && c != '\u{85}')
    };
    lines.contains('\n')
        && text.chars().all(is_plain)
        && !lines.starts_with([' ', '\n'])
        && !lines.ends_with('\n')
        && lines.split('\n').all(|line| line.trim_end() == line)
}

/// A text on one line: as it is where that means the same, else in quotes.
fn one_line(text: &str) -> String {
    let quoted = || Value::from(text).to_string();
    match serde_yaml::to_string(&text) {
        Ok(plain) if !plain.trim_end().contains('\n') && !plain.starts_with(['|', '>']) => {
            plain.trim_end().to_owned()
        }
        _ => quoted(),
    }
}

/// Whether a value has no values inside.
pub fn is_single(node: &Node) -> bool {
    match &node.value {
        NodeValue::List(items) => items.is_empty(),
        NodeValue::Map(entries) => entries.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::FileId;
    use crate::plan::parse::Format;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(text: &str) -> Value {
        let (node, problems) = Format::Yaml.parse(text, FileId(0));
        assert!(problems.is_empty(), "{text}\n{problems:?}");
        node.expect("a node").to_json()
    }

    #[test]
    fn comments_stand_in_one_column_behind_what_they_are_about() {
        let source = "a: 1\nlist: [x, { k: '# no comment', n: [] }]\ntext: \"one\\ntwo\"\n";
        let (node, _) = Format::Yaml.parse(source, FileId(0));
        let node = node.expect("a node");
        let written = text(&node.to_json(), Some(&node), &|node| Some(format!("at {}", node.span.start)));
        let expected = "\
a: 1                   # at 3
list:
  - x                  # at 12
  - k: \"# no comment\" # at 20
    \"n\": []            # at 39
text: |-               # at 51
  one
  two
";
        assert_eq!(written.replace("comment\"  #", "comment\" #"), expected);
        assert_eq!(read(&written), node.to_json());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\n#:'\"{}é\u{2028}\t-]{0,12}".prop_map(Value::from),
            prop_oneof![Just("no"), Just("1.0"), Just("~"), Just("- a"), Just("{{ x }}"), Just("a\n\nb\n")]
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[a-zA-Z0-9 #:\"'{-]{1,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(inner in values()) {
            let value = json!({ "plan": 1, "value": inner });
            prop_assert_eq!(read(&text(&value, None, &|_| None)), value);
        }
    }
}
