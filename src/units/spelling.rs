//! Units of time as people spell them: `5sec` is `5s`. Must not read any number.

/// Words that can stand for one unit only.
const WORDS: [(&str, &[&str]); 5] = [
    ("ms", &["msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("d", &["day", "days"]),
];

/// The same text with the units it spells out as signs; `None` when it spells out none.
pub fn respelled(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_word = c.is_alphabetic();
        let end = rest.find(|c: char| c.is_alphabetic() != is_word).unwrap_or(rest.len());
        let part = &rest[..end];
        let lower = part.to_lowercase();
        let sign = WORDS.iter().find(|(_, words)| words.contains(&lower.as_str())).map(|(sign, _)| *sign);
        out.push_str(sign.unwrap_or(part));
        rest = &rest[end..];
    }
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_signs() {
        for (text, expected) in [
            ("5sec", Some("5s")),
            ("1min", Some("1m")),
            ("1 Minute 30 seconds", Some("1 m 30 s")),
            ("1sec..5sec", Some("1s..5s")),
            ("50/sec", Some("50/s")),
            ("200millis", Some("200ms")),
            ("5s", None),
            ("5M", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(respelled(text).as_deref(), expected, "{text}");
        }
    }
}
