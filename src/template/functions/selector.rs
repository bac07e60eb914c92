//! CSS selectors over a stream of tags. An element is judged when its tag begins, from what is known of the open
//! ones, so a selector that looks ahead is refused. Must not know how HTML is read.

/// Most simple parts (`a.next`) one selector has, commas and all: one bit each.
const MOST_PARTS: usize = 32;

/// A compiled selector.
#[derive(Debug, Clone)]
pub(super) struct Selector {
    parts: Vec<Part>,
}

/// `a.next[href]`, with what joins it to the part before.
#[derive(Debug, Clone, Default)]
struct Part {
    joint: Joint,
    /// Whether an element that fits it is what is looked for.
    is_last: bool,
    tag: Option<String>,
    tests: Vec<Test>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Joint {
    /// It is the first.
    #[default]
    None,
    /// Somewhere inside.
    Descendant,
    /// Directly inside.
    Child,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Has(String),
    Is(String, String),
    Word(String, String),
    Begins(String, String),
    Ends(String, String),
    Contains(String, String),
    /// Its place among the elements of its parent, from 1.
    Nth(usize),
}

/// Parts that fit, one bit each.
pub(super) type Fits = u32;

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// In words: what is wrong or not supported.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.trim_start() };
        let mut parts = vec![];
        let mut joint = Joint::None;
        loop {
            let mut part = reader.part().map_err(|words| match words.split_once("; ") {
                Some((what, help)) => format!("css: {what} in `{text}`; {help}"),
                None => format!("css: {words} in `{text}`"),
            })?;
            part.joint = joint;
            let joined = reader.joint();
            part.is_last = joined.is_none() || joined == Some(Joint::None);
            parts.push(part);
            if parts.len() > MOST_PARTS {
                return Err(format!("css: a selector has at most {MOST_PARTS} parts"));
            }
            match joined {
                Some(next) => joint = next,
                None => return Ok(Self { parts }),
            }
        }
    }

    /// Which parts fit an element; `parent` and `above` are what fitted its parent and any element above it.
    pub fn fits(
        &self,
        tag: &str,
        nth: usize,
        attribute: &dyn Fn(&str) -> Option<String>,
        parent: Fits,
        above: Fits,
    ) -> Fits {
        let mut fits = 0;
        for (index, part) in self.parts.iter().enumerate() {
            let before = |known: Fits| index > 0 && known & (1 << (index - 1)) != 0;
            let joined = match part.joint {
                Joint::None => true,
                Joint::Child => before(parent),
                Joint::Descendant => before(above),
            };
            if joined && part.fits(tag, nth, attribute) {
                fits |= 1 << index;
            }
        }
        fits
    }

    /// Whether an element is what is looked for.
    pub fn is_found(&self, fits: Fits) -> bool {
        self.parts.iter().enumerate().any(|(index, part)| part.is_last && fits & (1 << index) != 0)
    }
}

impl Part {
    fn fits(&self, tag: &str, nth: usize, attribute: &dyn Fn(&str) -> Option<String>) -> bool {
        let of =
            |name: &str, holds: &dyn Fn(&str) -> bool| attribute(name).is_some_and(|value| holds(&value));
        self.tag.as_deref().is_none_or(|wanted| wanted == tag)
            && self.tests.iter().all(|test| match test {
                Test::Has(name) => of(name, &|_| true),
                Test::Is(name, wanted) => of(name, &|value| value == wanted),
                Test::Word(name, wanted) => {
                    of(name, &|value| value.split_ascii_whitespace().any(|word| word == wanted))
                }
                Test::Begins(name, wanted) => {
                    of(name, &|value| !wanted.is_empty() && value.starts_with(wanted))
                }
                Test::Ends(name, wanted) => of(name, &|value| !wanted.is_empty() && value.ends_with(wanted)),
                Test::Contains(name, wanted) => {
                    of(name, &|value| !wanted.is_empty() && value.contains(wanted))
                }
                Test::Nth(wanted) => *wanted == nth,
            })
    }
}

/// Makes the test of an attribute and a value.
type Make = fn(String, String) -> Test;

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn word(&mut self) -> Result<String, String> {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            let found = self.rest.chars().next().map_or("the end".to_owned(), |c| format!("`{c}`"));
            return Err(format!("a name is missing before {found}"));
        }
        self.rest = rest;
        Ok(word.to_owned())
    }

    fn part(&mut self) -> Result<Part, String> {
        let mut part = Part::default();
        if !self.take("*") && !self.rest.starts_with(['.', '#', '[', ':']) {
            part.tag = Some(self.word()?.to_ascii_lowercase());
        }
        loop {
            if self.take(".") {
                part.tests.push(Test::Word("class".to_owned(), self.word()?));
            } else if self.take("#") {
                part.tests.push(Test::Is("id".to_owned(), self.word()?));
            } else if self.take("[") {
                part.tests.push(self.attribute()?);
            } else if self.take(":") {
                part.tests.push(self.place()?);
            } else {
                return Ok(part);
            }
        }
    }

    fn attribute(&mut self) -> Result<Test, String> {
        self.rest = self.rest.trim_start();
        let name = self.word()?.to_ascii_lowercase();
        self.rest = self.rest.trim_start();
        if self.take("]") {
            return Ok(Test::Has(name));
        }
        let kinds: [(&str, Make); 5] = [
            ("=", Test::Is),
            ("~=", Test::Word),
            ("^=", Test::Begins),
            ("$=", Test::Ends),
            ("*=", Test::Contains),
        ];
        let kind = kinds.into_iter().find(|(sign, _)| self.take(sign));
        let (_, kind) = kind.ok_or("after the name in `[ ]` stands `=`, `~=`, `^=`, `$=` or `*=`")?;
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let value = match quote {
            Some(quote) => {
                let (value, rest) = self.rest[1..].split_once(quote).ok_or("a quote is not closed")?;
                self.rest = rest;
                value.to_owned()
            }
            None => self.word()?,
        };
        self.rest = self.rest.trim_start();
        if !self.take("]") {
            return Err("`[` is not closed by `]`".to_owned());
        }
        Ok(kind(name, value))
    }

    fn place(&mut self) -> Result<Test, String> {
        let name = self.word().unwrap_or_default();
        match name.as_str() {
            "first-child" => Ok(Test::Nth(1)),
            "nth-child" => {
                let (inside, rest) =
                    self.rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).unwrap_or(("", ""));
                self.rest = rest;
                let number = inside.trim().parse().ok().filter(|number| *number > 0);
                number.map(Test::Nth).ok_or_else(|| "`:nth-child( )` takes a number from 1".to_owned())
            }
            _ => Err(format!("`:{name}` is not supported; there are `:first-child` and `:nth-child(2)`")),
        }
    }

    /// What comes after a part: `Some(None)` after a comma, `None` at the end.
    fn joint(&mut self) -> Option<Joint> {
        let trimmed = self.rest.trim_start();
        let had_space = trimmed.len() < self.rest.len();
        self.rest = trimmed;
        let joint = match trimmed.chars().next()? {
            ',' => Joint::None,
            '>' => Joint::Child,
            _ if had_space => return Some(Joint::Descendant),
            // Nothing joins them: `part` says what is wrong with the sign.
            _ => return Some(Joint::Descendant),
        };
        self.rest = trimmed[1..].trim_start();
        Some(joint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_selector_is_refused_in_words() {
        for (text, words) in [
            ("", "a name is missing before the end"),
            ("a >", "a name is missing before the end"),
            ("a:hover", "`:hover` is not supported"),
            ("a + b", "a name is missing before `+`"),
            ("a[href", "in `[ ]`"),
            ("a[href='x]", "a quote is not closed"),
            ("a:nth-child(2n)", "takes a number"),
        ] {
            let error = Selector::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert!(Selector::parse(&"a ".repeat(33)).is_err());
    }
}
