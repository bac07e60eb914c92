//! What each code means and how to mend it, with a wrong and a right example: the texts of `docs/errors/`, one file a
//! code. `plimsoll explain` prints them, `docs/guide/errors.md` is made of them. Must not decide what is wrong.

use crate::plan;

use super::codes;

/// A code with its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// `P012`
    pub code: &'static str,
    /// A few words, no full stop.
    pub title: &'static str,
    /// The file: paragraphs, then examples in fences.
    pub page: &'static str,
}

/// Part of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A paragraph, in lines as written.
    Paragraph(&'a str),
    /// A plan.
    Example {
        /// `yaml` or `toml`.
        language: &'a str,
        /// Whether it has the error.
        is_wrong: bool,
        /// The plan. A first line `# $ plimsoll …` says what is typed, when it is not `plimsoll validate FILE`.
        text: &'a str,
    },
}

macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$( ($code, include_str!(concat!("../../docs/errors/", $code, ".md"))) ),*]
    };
}

const PAGES: &[(&str, &str)] = pages![
    "P001", "P002", "P003", "P004", "P005", "P006", "P007", "P008", "P010", "P011", "P012", "P013", "P014",
    "P015", "P016", "P017", "P018", "P020", "P021", "P022", "P023", "P100", "P101", "P102", "P103", "P104",
    "P105", "P106", "P107", "P108", "P109", "P110", "P111", "P112", "P113", "P114", "P115", "P116", "P117",
    "P118", "P120", "P121", "P122", "P124", "P125", "P126", "P140", "P200", "P201", "P202", "P203", "P204",
    "P205", "P206", "P207", "P211",
];

/// Every code with its title, in order.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    plan::codes::ALL.iter().chain(&codes::ALL).chain(&codes::DOUBTS).copied()
}

/// Every code that has a page, in order; a test asks that all have one.
pub fn all() -> impl Iterator<Item = Explained> {
    codes().filter_map(|(code, title)| {
        let (_, page) = PAGES.iter().find(|(known, _)| *known == code)?;
        Some(Explained { code, title, page })
    })
}

/// The code of this name, in any case: `P012`, `p12`, `12`.
pub fn find(name: &str) -> Option<Explained> {
    let digits = name.trim_start_matches(['p', 'P']);
    let is_number = digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u16 = digits.parse().ok().filter(|_| is_number && name.len() <= digits.len() + 1)?;
    let code = format!("P{number:03}");
    all().find(|known| known.code == code)
}

impl Explained {
    /// The parts of the page, in order.
    pub fn parts(&self) -> Vec<Part<'static>> {
        let (mut parts, mut rest) = (vec![], self.page);
        while let Some((before, after)) = rest.split_once("```") {
            parts.extend(paragraphs(before));
            let (fence, after) = after.split_once('\n').unwrap_or((after, ""));
            let (text, after) = after.split_once("```").unwrap_or((after, ""));
            let (language, kind) = fence.split_once(' ').unwrap_or((fence, ""));
            parts.push(Part::Example { language, is_wrong: kind == "wrong", text });
            rest = after;
        }
        parts.extend(paragraphs(rest));
        parts
    }

    /// The paragraphs, each on one line.
    pub fn words(&self) -> Vec<String> {
        let paragraph = |part: Part<'_>| match part {
            Part::Paragraph(text) => Some(text.split_whitespace().collect::<Vec<_>>().join(" ")),
            Part::Example { .. } => None,
        };
        self.parts().into_iter().filter_map(paragraph).collect()
    }
}

fn paragraphs(text: &'static str) -> impl Iterator<Item = Part<'static>> {
    text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).map(Part::Paragraph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_and_every_page_a_code() {
        let without: Vec<_> = codes().map(|(code, _)| code).filter(|code| find(code).is_none()).collect();
        assert_eq!(without, Vec::<&str>::new(), "write docs/errors/CODE.md and list it in PAGES");
        assert_eq!(PAGES.len(), codes().count());
        let names: Vec<_> = codes().map(|(code, _)| code).collect();
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn pages_are_short_and_have_both_examples() {
        for explained in all() {
            let parts = explained.parts();
            let example = |wrong: bool| move |part: &Part<'_>| matches!(part, Part::Example { is_wrong, .. } if *is_wrong == wrong);
            assert!(
                parts.iter().any(example(true)) && parts.iter().any(example(false)),
                "{}",
                explained.code
            );
            let words: usize = explained.words().iter().map(|text| text.split(' ').count()).sum();
            assert!((12..=110).contains(&words), "{} has {words} words", explained.code);
        }
    }

    #[test]
    fn names_are_found_as_people_write_them() {
        for name in ["P012", "p012", "p12", "12", "012"] {
            assert_eq!(find(name).map(|known| known.code), Some("P012"), "{name}");
        }
        for name in ["", "P", "P999", "E012", "PP012", "P0012", "P-12", "P+12", "+12", "weight"] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
