//! A JSON text on several lines, for people: every name, text and number stays as it came. Must not read values.

use crate::template::Document;

/// The text with a line for each value; `None` for what is no JSON object or list.
pub fn indented(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if !text.starts_with(['{', '[']) || Document::parse_copy(text.as_bytes(), usize::MAX).is_err() {
        return None;
    }
    let (mut out, mut depth, mut in_text, mut is_escaped) =
        (String::with_capacity(text.len() * 2), 0, false, false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        if in_text {
            out.push(c);
            in_text = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\n' | '\r' | '\t' => {}
            '{' | '[' => {
                out.push(c);
                while letters.next_if(|next| matches!(next, ' ' | '\n' | '\r' | '\t')).is_some() {}
                match letters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    Some(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_stays_as_it_came() {
        let text = r#" {"id":12345678901234567890123,"price":19.90, "a":1,"a":2,"e":[],"o":{ },"s":"{\"x\": [1,2]}\\","l":[1e3,{"b":null}]}"#;
        let expected = r#"{
  "id": 12345678901234567890123,
  "price": 19.90,
  "a": 1,
  "a": 2,
  "e": [],
  "o": {},
  "s": "{\"x\": [1,2]}\\",
  "l": [
    1e3,
    {
      "b": null
    }
  ]
}"#;
        assert_eq!(indented(text).as_deref(), Some(expected));
        for other in ["", "5", "\"x\"", "{", "<html>", "[1,]"] {
            assert_eq!(indented(other), None, "{other}");
        }
    }
}
