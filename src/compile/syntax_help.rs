//! What people write by the habits of other tools where names stand, and the expression that belongs here.

/// Names that other tools give the whole answer.
const ANSWERS: [&str; 5] = ["response", "res", "resp", "r", "result"];

/// What to write instead of a dotted name that nothing defines, as it stands in `source`.
pub(super) fn instead_of(dotted: &str, source: &str) -> Option<String> {
    let (root, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
    let (part, below) = rest.split_once('.').unwrap_or((rest, ""));
    if let Some(whole) = cut_at_hyphen(root, source) {
        return Some(format!("a name with `-` stands in brackets: `{whole}`"));
    }
    if ["null", "nil"].contains(&root) {
        return Some("write `none`".to_owned());
    }
    if ANSWERS.contains(&root) {
        let dot = if below.is_empty() { "" } else { "." };
        return Some(match part_of_answer(part) {
            Some(own) => format!("write `{own}{dot}{below}`"),
            None => ALL_OF_THE_ANSWER.to_owned(),
        });
    }
    let is_alone = rest.is_empty();
    part_of_answer(root).filter(|own| is_alone && *own != root).map(|own| format!("write `{own}`"))
}

const ALL_OF_THE_ANSWER: &str =
    "an answer has `status`, `headers`, `body`, `json`, `cookies`, `latency_ms` and `size`";

/// Our name for a part of the answer.
fn part_of_answer(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().replace('_', "").as_str() {
        "status" | "statuscode" | "code" => "status",
        "headers" | "header" => "headers",
        "body" | "text" | "content" => "body",
        "json" | "data" => "json",
        "cookies" => "cookies",
        "latency" | "latencyms" | "duration" | "time" | "elapsed" | "responsetime" => "latency_ms",
        "size" | "length" => "size",
        _ => return None,
    })
}

/// `headers["content-type"]` for `headers.content-type`, which subtracts `type` from `headers.content`.
fn cut_at_hyphen(root: &str, source: &str) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    source.match_indices(&format!("-{root}")).find_map(|(at, _)| {
        let end = source[at + 1..].find(|c| !is_name(c)).map_or(source.len(), |length| at + 1 + length);
        let start = source[..at].rfind(|c| !is_name(c)).map_or(0, |before| before + 1);
        let owner = source[..start].strip_suffix('.')?;
        let from = owner.rfind(|c| !is_name(c) && c != '.').map_or(0, |before| before + 1);
        Some(format!("{}[\"{}\"]", &owner[from..], &source[start..end]))
    })
}

/// What to write for a part of a value that has none: text or a number of the answer.
pub(super) fn part_of_plain_value(root: &str, part: &str) -> Option<(&'static str, String)> {
    let kind = match root {
        "body" => "text",
        "status" | "latency_ms" | "size" => "a number",
        _ => return None,
    };
    Some((kind, if root == "body" { format!("write `json.{part}`") } else { format!("write `{root}`") }))
}

/// What to write for an expression that does not parse, when a habit of other tools explains it.
pub(super) fn of_expression(source: &str) -> Option<String> {
    if let Some((whole, part)) = source.split_once(" contains ") {
        return Some(format!("write `{} in {}`", part.trim(), whole.trim()));
    }
    let digits = source.rfind(|c: char| c.is_ascii_digit())?;
    let unit = &source[digits + 1..];
    let is_time = ["ms", "s", "%"].contains(&unit.trim());
    is_time.then(|| format!("numbers stand without a unit here: leave `{}` away", unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_of_other_tools_get_their_expression() {
        for (dotted, source, help) in [
            ("response.status", "response.status", Some("write `status`")),
            ("res.status_code", "res.status_code == 200", Some("write `status`")),
            ("response.json.id", "response.json.id", Some("write `json.id`")),
            ("r.foo", "r.foo", Some(ALL_OF_THE_ANSWER)),
            ("text", "text == 1", Some("write `body`")),
            ("duration", "duration < 3", Some("write `latency_ms`")),
            ("null", "json.a == null", Some("write `none`")),
            (
                "type",
                "headers.content-type == 1",
                Some("a name with `-` stands in brackets: `headers[\"content-type\"]`"),
            ),
            (
                "id",
                "json.a.x-request-id",
                Some("a name with `-` stands in brackets: `json.a[\"x-request-id\"]`"),
            ),
            ("type", "a-type", None),
            ("nothing", "nothing", None),
        ] {
            assert_eq!(instead_of(dotted, source).as_deref(), help, "{source}");
        }
    }
}
