//! The RAG service: add documents, search them. Must not rank — that is `search`'s. The index bounds its own
//! memory.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;

use super::DemoOptions;
use super::answer::{Answer, Bearer, Body, MAX_BODY_BYTES, Refusal, answer, check_length, unknown_route};
use super::chance::Chance;
use super::corpus::CORPUS;
use super::counters::Route;
use super::delay::Delay;
use super::search::Index;
use super::store::lock;
use super::token::Tokens;

/// The routes counted by name.
pub(super) const ROUTES: &[Route] = &[("GET", "/health"), ("POST", "/query"), ("POST", "/documents")];

/// Uploaded documents kept; the oldest is forgotten beyond that. With [`MAX_TEXT_CHARS`] the bound on memory.
const MAX_UPLOADED: usize = 1000;
const MAX_TEXT_CHARS: usize = 8000;

struct Rag {
    index: Mutex<Index>,
    tokens: Tokens,
    ids: Chance,
    query_delay: Delay,
    upload_delay: Delay,
}

impl FromRef<Arc<Rag>> for Tokens {
    fn from_ref(rag: &Arc<Rag>) -> Tokens {
        rag.tokens.clone()
    }
}

/// Everything but `/health`, which is answered before the router.
pub(super) fn router(search: Router) -> Router {
    search.fallback(unknown_route).layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

/// The search itself, over one index however often the router is cloned: the agents service passes the same
/// routes on, as TempoNest's does.
pub(super) fn search(options: &DemoOptions, tokens: Tokens) -> Router {
    let ids = Chance::new(0.0, options.seed ^ 0x4A6);
    let rag = Rag {
        index: Mutex::new(corpus_index(&ids)),
        tokens,
        ids,
        query_delay: Delay::new(0.060 * options.slow, 0.5, options.seed),
        upload_delay: Delay::new(0.008 * options.slow, 0.4, options.seed ^ 1),
    };
    Router::new().route("/query", post(query)).route("/documents", post(upload)).with_state(Arc::new(rag))
}

/// The hand-written corpus, which is never forgotten.
pub(super) fn corpus_index(ids: &Chance) -> Index {
    let mut index = Index::new(MAX_UPLOADED);
    for (title, text) in CORPUS {
        index.add_permanent(ids.id(), title, text);
    }
    index
}

#[derive(Deserialize)]
struct NewDocument {
    title: String,
    text: String,
}

async fn upload(State(rag): State<Arc<Rag>>, _: Bearer, Body(new): Body<NewDocument>) -> Answer {
    check_length("title", &new.title, 1..=200)?;
    check_length("text", &new.text, 1..=MAX_TEXT_CHARS)?;
    rag.upload_delay.pause().await;
    let id = rag.ids.id();
    lock(&rag.index).add(id, &new.title, &new.text);
    Ok(answer(StatusCode::CREATED, &json!({ "id": id, "title": new.title })))
}

#[derive(Deserialize)]
struct Query {
    query: String,
    #[serde(default = "default_top_k")]
    top_k: usize,
}

fn default_top_k() -> usize {
    5
}

async fn query(State(rag): State<Arc<Rag>>, _: Bearer, Body(asked): Body<Query>) -> Answer {
    let started = Instant::now();
    check_length("query", &asked.query, 1..=1000)?;
    if !(1..=50).contains(&asked.top_k) {
        return Err(Refusal::invalid("top_k must be 1 to 50"));
    }
    rag.query_delay.pause().await;
    let results = lock(&rag.index).search(&asked.query, asked.top_k);
    let took_ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(answer(StatusCode::OK, &json!({ "query": asked.query, "results": results, "took_ms": took_ms })))
}
