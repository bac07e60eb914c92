//! A small full-text search: an inverted index ranked by BM25 (Robertson & Zaragoza 2009, k1 = 1.2, b = 0.75).
//! Must not know HTTP. Keeps the permanent documents and the newest `max_uploaded` others.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::id::Id;

const K1: f64 = 1.2;
const B: f64 = 0.75;
/// A word in the title counts as this many in the text.
const TITLE_WEIGHT: u32 = 2;
const SNIPPET_CHARS: usize = 200;
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "does", "for", "from", "how", "i",
    "if", "in", "is", "it", "its", "my", "no", "not", "of", "on", "or", "so", "that", "the", "then", "they",
    "this", "to", "was", "what", "when", "where", "which", "who", "why", "will", "with", "you", "your",
];

/// One found document; a higher score is a better match.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Hit {
    pub(super) id: Id,
    pub(super) title: String,
    pub(super) score: f64,
    pub(super) snippet: String,
}

struct Document {
    id: Id,
    title: String,
    text: String,
    length: u32,
}

/// The index; documents are numbered by arrival.
pub(super) struct Index {
    documents: BTreeMap<u32, Document>,
    /// term → document → how often
    postings: HashMap<String, BTreeMap<u32, u32>>,
    total_length: u64,
    next: u32,
    permanent: u32,
    max_uploaded: usize,
}

impl Index {
    pub(super) fn new(max_uploaded: usize) -> Index {
        let (documents, postings) = (BTreeMap::new(), HashMap::new());
        Index { documents, postings, total_length: 0, next: 0, permanent: 0, max_uploaded }
    }

    /// Adds a document that is never forgotten; only before the first [`Index::add`].
    pub(super) fn add_permanent(&mut self, id: Id, title: &str, text: &str) {
        debug_assert_eq!(self.next, self.permanent);
        self.permanent += 1;
        self.insert(id, title, text);
    }

    /// Adds a document, forgetting the oldest uploaded one when there are too many.
    pub(super) fn add(&mut self, id: Id, title: &str, text: &str) {
        if self.documents.len() - self.permanent as usize >= self.max_uploaded {
            self.forget_oldest();
        }
        self.insert(id, title, text);
    }

    /// The `top_k` best documents, best first, the older one first among equals.
    pub(super) fn search(&self, query: &str, top_k: usize) -> Vec<Hit> {
        let mut wanted: Vec<String> = terms(query).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for postings in wanted.iter().filter_map(|term| self.postings.get(term)) {
            let rarity = self.rarity(postings.len());
            for (&number, &count) in postings {
                *scores.entry(number).or_default() += rarity * self.saturation(number, count);
            }
        }
        let mut ranked: Vec<(u32, f64)> = scores.into_iter().collect();
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        ranked.truncate(top_k);
        ranked.into_iter().filter_map(|(number, score)| self.hit(number, score, &wanted)).collect()
    }

    /// The inverse document frequency: rare terms say more.
    fn rarity(&self, having: usize) -> f64 {
        let (all, having) = (self.documents.len() as f64, having as f64);
        (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
    }

    /// How much `count` occurrences weigh: ever less each, and less in a long document.
    fn saturation(&self, number: u32, count: u32) -> f64 {
        let average = self.total_length as f64 / self.documents.len() as f64;
        let length = self.documents.get(&number).map_or(average, |document| f64::from(document.length));
        let count = f64::from(count);
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / average))
    }

    fn hit(&self, number: u32, score: f64, wanted: &[String]) -> Option<Hit> {
        let document = self.documents.get(&number)?;
        let snippet = snippet(&document.text, wanted);
        Some(Hit { id: document.id, title: document.title.clone(), score, snippet })
    }

    fn insert(&mut self, id: Id, title: &str, text: &str) {
        let number = self.next;
        self.next += 1;
        let mut length = 0;
        for (term, weight) in weighted_terms(title, text) {
            *self.postings.entry(term).or_default().entry(number).or_default() += weight;
            length += weight;
        }
        self.total_length += u64::from(length);
        let document = Document { id, title: title.to_owned(), text: text.to_owned(), length };
        self.documents.insert(number, document);
    }

    fn forget_oldest(&mut self) {
        let Some(number) = self.documents.range(self.permanent..).next().map(|(number, _)| *number) else {
            return;
        };
        let Some(document) = self.documents.remove(&number) else { return };
        self.total_length -= u64::from(document.length);
        for (term, _) in weighted_terms(&document.title, &document.text) {
            if let Some(postings) = self.postings.get_mut(&term) {
                postings.remove(&number);
                if postings.is_empty() {
                    self.postings.remove(&term);
                }
            }
        }
    }
}

fn weighted_terms<'a>(title: &'a str, text: &'a str) -> impl Iterator<Item = (String, u32)> + 'a {
    terms(title).map(|term| (term, TITLE_WEIGHT)).chain(terms(text).map(|term| (term, 1)))
}

/// Lower-case words without stop words, plurals folded.
fn terms(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).filter_map(|word| {
        let word = word.to_lowercase();
        (!STOP_WORDS.contains(&word.as_str())).then(|| singular(word))
    })
}

fn singular(mut word: String) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 3 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") {
        word.pop();
    }
    word
}

/// The sentence with the most wanted terms, cut to [`SNIPPET_CHARS`].
fn snippet(text: &str, wanted: &[String]) -> String {
    let matches = |sentence: &&str| terms(sentence).filter(|term| wanted.contains(term)).count();
    let sentences = text.split_inclusive(['.', '!', '?', '\n']);
    let best = sentences.rev().max_by_key(matches).unwrap_or(text);
    best.trim().chars().take(SNIPPET_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> Index {
        let mut index = Index::new(2);
        index.add_permanent(Id::number(1), "Rotating tokens", "Tokens expire. Rotate a token every day.");
        index.add_permanent(Id::number(2), "Retry policies", "A policy says how often a step is retried.");
        index
    }

    fn titles(index: &Index, query: &str) -> Vec<String> {
        index.search(query, 10).into_iter().map(|hit| hit.title).collect()
    }

    #[test]
    fn finds_by_title_text_and_plural() {
        let index = index();
        assert_eq!(titles(&index, "How do I rotate a token?"), ["Rotating tokens"]);
        assert_eq!(titles(&index, "policy"), ["Retry policies"]);
        assert_eq!(titles(&index, "the and of"), Vec::<String>::new());
        assert_eq!(titles(&index, "zebra"), Vec::<String>::new());
    }

    #[test]
    fn the_snippet_is_the_sentence_that_matched() {
        assert_eq!(index().search("rotate", 1)[0].snippet, "Rotate a token every day.");
    }

    #[test]
    fn rarer_terms_and_shorter_documents_rank_higher() {
        let mut index = index();
        index.add(Id::number(3), "Long", &format!("zebra {}", "filler ".repeat(50)));
        index.add(Id::number(4), "Short", "zebra");
        assert_eq!(titles(&index, "zebra filler"), ["Long", "Short"]);
        assert_eq!(titles(&index, "zebra"), ["Short", "Long"]);
        assert_eq!(index.search("zebra", 1).len(), 1);
    }

    #[test]
    fn forgets_the_oldest_upload_and_every_trace_of_it() {
        let mut index = index();
        let (terms, length) = (index.postings.len(), index.total_length);
        for n in 0..5 {
            index.add(Id::number(10 + n), "Upload", &format!("word{n}"));
        }
        assert_eq!(index.documents.len(), 4);
        assert_eq!(titles(&index, "word2"), Vec::<String>::new());
        assert_eq!(titles(&index, "word3 word4").len(), 2);
        assert_eq!(titles(&index, "policy"), ["Retry policies"]);
        index.forget_oldest();
        index.forget_oldest();
        assert_eq!((index.postings.len(), index.total_length), (terms, length));
    }
}
