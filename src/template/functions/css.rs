//! The filters `css` and `css_all`: elements of an HTML page, read as a stream. Only open elements are kept; an end
//! tag that HTML lets people leave away is put in where the next tag demands it.

use std::cell::RefCell;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{HtmlString, StartTag, Token, Tokenizer};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, State, Value};

use super::selector::{Fits, Selector};
use super::{Compiled, either, invalid, text_of};

/// Most elements of `css_all`.
const MOST_FOUND: usize = 10_000;
/// Most elements in each other.
const MOST_LEVELS: usize = 512;
/// Most bytes of text that is found, of elements in each other counted for each.
const MOST_BYTES: usize = 4 << 20;

thread_local! {
    static SELECTORS: RefCell<Compiled<Selector>> = RefCell::new(Compiled::new());
}

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("css", css_first);
    env.add_filter("css_all", css_all);
}

/// `html | css("a.next", attr="href")`: of the first element that fits; undefined without one.
fn css_first(
    state: &State,
    html: Value,
    selector: String,
    attr: Option<String>,
    named: Kwargs,
) -> Result<Value, Error> {
    let found = find(state, &html, &selector, attr, &named, 1)?;
    Ok(found.into_iter().next().map_or(Value::UNDEFINED, Value::from))
}

/// The same of every element, in a list.
fn css_all(
    state: &State,
    html: Value,
    selector: String,
    attr: Option<String>,
    named: Kwargs,
) -> Result<Value, Error> {
    find(state, &html, &selector, attr, &named, MOST_FOUND).map(Value::from)
}

/// Texts, or values of an attribute, of the elements a selector picks, in the order they begin.
fn find(
    state: &State,
    html: &Value,
    selector: &str,
    attr: Option<String>,
    named: &Kwargs,
    most: usize,
) -> Result<Vec<String>, Error> {
    let attr = either(attr, named, "attr")?;
    named.assert_all_used()?;
    let html = text_of(html)?;
    SELECTORS.with_borrow_mut(|selectors| {
        let selector = selectors.get(state, selector, Selector::parse)?;
        let mut page =
            Page { selector, attr: attr.as_deref(), most, open: vec![], found: vec![], bytes: 0, top: 0 };
        page.read(&html).map_err(|words| invalid(format!("css: {words}")))?;
        Ok(page.found.into_iter().map(|text| text.trim().to_owned()).collect())
    })
}

/// An element that is not closed yet.
struct Open {
    tag: String,
    fits: Fits,
    /// What fitted it or any element above it.
    above: Fits,
    children: usize,
    /// Which of the found texts is its own.
    text: Option<usize>,
}

struct Page<'a> {
    selector: &'a Selector,
    attr: Option<&'a str>,
    most: usize,
    open: Vec<Open>,
    found: Vec<String>,
    bytes: usize,
    /// Elements that stand in no other.
    top: usize,
}

impl Page<'_> {
    fn read(&mut self, html: &str) -> Result<(), String> {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
            match token {
                Token::StartTag(tag) => self.begin(&tag)?,
                Token::EndTag(tag) => self.end(&tag.name),
                Token::String(text) => self.text(&text)?,
                _ => {}
            }
            let is_running = self.open.iter().any(|element| element.text.is_some());
            if self.found.len() >= self.most && self.most == 1 && !is_running {
                break;
            }
        }
        Ok(())
    }

    fn begin(&mut self, tag: &StartTag<()>) -> Result<(), String> {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        self.close_implied(&name);
        let parent = self.open.last_mut();
        let (fits_parent, above) = parent.as_ref().map_or((0, 0), |parent| (parent.fits, parent.above));
        let count = parent.map_or(&mut self.top, |parent| &mut parent.children);
        *count += 1;
        let value = |wanted: &str| {
            let value = tag.attributes.get(&HtmlString(wanted.as_bytes().to_vec()))?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let fits = self.selector.fits(&name, *count, &value, fits_parent, above);
        let mut text = None;
        if self.selector.is_found(fits) {
            match self.attr {
                Some(attr) => {
                    if let Some(value) = value(attr) {
                        self.keep(value)?;
                    }
                }
                None => {
                    let before = self.found.len();
                    self.keep(String::new())?;
                    text = (self.found.len() > before).then_some(before);
                }
            }
        }
        if !is_void(&name) {
            if self.open.len() == MOST_LEVELS {
                return Err(format!("the page has more than {MOST_LEVELS} elements in each other"));
            }
            self.open.push(Open { tag: name, fits, above: above | fits, children: 0, text });
        }
        Ok(())
    }

    fn keep(&mut self, value: String) -> Result<(), String> {
        if self.most == 1 && !self.found.is_empty() {
            return Ok(());
        }
        self.bytes += value.len();
        self.found.push(value);
        if self.found.len() > self.most {
            return Err(format!("more than {} elements", self.most));
        }
        self.check_bytes()
    }

    fn text(&mut self, text: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(text);
        for found in self.open.iter().filter_map(|element| element.text) {
            self.found[found].push_str(&text);
            self.bytes += text.len();
            if self.bytes > MOST_BYTES {
                break;
            }
        }
        self.check_bytes()
    }

    fn check_bytes(&self) -> Result<(), String> {
        match self.bytes > MOST_BYTES {
            true => Err(format!("more than {} MiB of text is found", MOST_BYTES >> 20)),
            false => Ok(()),
        }
    }

    fn end(&mut self, name: &[u8]) {
        if let Some(at) = self.open.iter().rposition(|element| element.tag.as_bytes() == name) {
            self.open.truncate(at);
        }
    }

    /// Closes what a new element cannot stand in.
    fn close_implied(&mut self, name: &str) {
        let (closes, until): (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "option" | "optgroup" => (&["option"], &["select", "datalist"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["tr"], &["table", "thead", "tbody", "tfoot"]),
            "thead" | "tbody" | "tfoot" => (&["thead", "tbody", "tfoot"], &["table"]),
            "body" => (&["head"], &[]),
            "p" | "div" | "ul" | "ol" | "dl" | "table" | "form" | "section" | "article" | "aside"
            | "header" | "footer" | "main" | "nav" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre"
            | "hr" | "blockquote" | "fieldset" | "figure" | "address" => {
                (&["p"], &["button", "td", "th", "div", "li", "section", "article"])
            }
            _ => return,
        };
        for at in (0..self.open.len()).rev() {
            let tag = self.open[at].tag.as_str();
            if closes.contains(&tag) {
                self.open.truncate(at);
                return;
            }
            if until.contains(&tag) {
                return;
            }
        }
    }
}

/// Elements that hold nothing and have no end tag.
fn is_void(name: &str) -> bool {
    const VOID: [&str; 13] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    ];
    VOID.contains(&name)
}
