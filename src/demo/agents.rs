//! The agents service: create, list, get and execute agents. Must not call a model: an execution is a delay
//! shaped like one. Holds at most [`MAX_AGENTS`] agents and forgets the oldest created one beyond that; the
//! seeded agents stay.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use super::DemoOptions;
use super::answer::{
    Answer, Bearer, Body, MAX_BODY_BYTES, Params, Refusal, answer, check_length, parse_id, unknown_route,
};
use super::chance::Chance;
use super::counters::Route;
use super::delay::Delay;
use super::id::Id;
use super::runs::{Run, Runs};
use super::store::{Bounded, lock};
use super::token::Tokens;

/// The routes counted by name.
pub(super) const ROUTES: &[Route] = &[
    ("GET", "/health"),
    ("GET", "/agents/"),
    ("POST", "/agents/"),
    ("GET", "/agents/{id}"),
    ("POST", "/agents/{id}/execute"),
    ("GET", "/runs/{id}"),
    ("GET", "/runs/{id}/result"),
    ("POST", "/query"),
    ("POST", "/documents"),
];

const MAX_AGENTS: usize = 10_000;
const SEEDED: [(&str, &str); 5] = [
    ("researcher", "small"),
    ("code reviewer", "large"),
    ("support triage", "small"),
    ("release notes writer", "small"),
    ("incident analyst", "large"),
];
/// 95th percentile of an execution in seconds at normal speed: inside the 2 s target, and outside it at ×1.5.
const EXECUTE_P95_S: f64 = 1.4;
const EXECUTE_SIGMA: f64 = 0.42;

#[derive(Clone, Serialize)]
struct Agent {
    id: Id,
    name: String,
    model: String,
    description: String,
}

struct Agents {
    agents: Mutex<Bounded<Agent>>,
    runs: Mutex<Runs>,
    tokens: Tokens,
    ids: Chance,
    execute_delay: Delay,
    lookup_delay: Delay,
}

impl FromRef<Arc<Agents>> for Tokens {
    fn from_ref(agents: &Arc<Agents>) -> Tokens {
        agents.tokens.clone()
    }
}

/// Everything but `/health`, which is answered before the router. `search` are the RAG routes it passes on.
pub(super) fn router(options: &DemoOptions, tokens: Tokens, search: Router) -> Router {
    let ids = Chance::new(0.0, options.seed ^ 0xA6E7);
    let state = Agents {
        agents: Mutex::new(seeded(&ids)),
        runs: Mutex::new(Runs::new()),
        tokens,
        ids,
        execute_delay: Delay::new(EXECUTE_P95_S * options.slow, EXECUTE_SIGMA, options.seed),
        lookup_delay: Delay::new(0.004 * options.slow, 0.4, options.seed ^ 1),
    };
    Router::new()
        .route("/agents/", get(list).post(create))
        .route("/agents/{id}", get(show))
        .route("/agents/{id}/execute", post(execute))
        .route("/runs/{id}", get(show_run))
        .route("/runs/{id}/result", get(show_result))
        .with_state(Arc::new(state))
        .merge(search)
        .fallback(unknown_route)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

fn seeded(ids: &Chance) -> Bounded<Agent> {
    let mut agents = Bounded::new(MAX_AGENTS, SEEDED.len());
    for (name, model) in SEEDED {
        let id = ids.id();
        let description = format!("Seeded agent: {name}.");
        agents.insert(id, Agent { id, name: name.to_owned(), model: model.to_owned(), description });
    }
    agents
}

#[derive(Deserialize)]
struct NewAgent {
    name: String,
    model: String,
    #[serde(default)]
    description: String,
}

async fn create(State(state): State<Arc<Agents>>, _: Bearer, Body(new): Body<NewAgent>) -> Answer {
    check_length("name", &new.name, 1..=200)?;
    check_length("model", &new.model, 1..=100)?;
    check_length("description", &new.description, 0..=2000)?;
    state.lookup_delay.pause().await;
    let agent = Agent { id: state.ids.id(), name: new.name, model: new.model, description: new.description };
    lock(&state.agents).insert(agent.id, agent.clone());
    Ok(answer(StatusCode::CREATED, &agent))
}

#[derive(Deserialize)]
struct Page {
    #[serde(default = "default_limit")]
    limit: usize,
    #[serde(default)]
    offset: usize,
}

fn default_limit() -> usize {
    20
}

async fn list(State(state): State<Arc<Agents>>, _: Bearer, Params(page): Params<Page>) -> Answer {
    if !(1..=100).contains(&page.limit) {
        return Err(Refusal::invalid("limit must be 1 to 100"));
    }
    state.lookup_delay.pause().await;
    let agents = lock(&state.agents);
    let rows: Vec<&Agent> = agents.page(page.offset, page.limit).map(|(_, agent)| agent).collect();
    Ok(answer(StatusCode::OK, &rows))
}

async fn show(State(state): State<Arc<Agents>>, _: Bearer, Path(id): Path<String>) -> Answer {
    state.lookup_delay.pause().await;
    Ok(answer(StatusCode::OK, &state.agent(&id)?))
}

#[derive(Deserialize)]
struct Task {
    input: String,
}

#[derive(Deserialize)]
struct How {
    #[serde(default = "default_wait")]
    wait: bool,
}

fn default_wait() -> bool {
    true
}

async fn execute(
    State(state): State<Arc<Agents>>,
    _: Bearer,
    Path(id): Path<String>,
    Params(how): Params<How>,
    Body(task): Body<Task>,
) -> Answer {
    check_length("input", &task.input, 1..=20_000)?;
    let agent = state.agent(&id)?;
    let id = state.ids.id();
    let delay = state.execute_delay.draw();
    let run = Run::new(id, agent.id, &agent.name, &task.input, delay);
    lock(&state.runs).add(run.clone());
    if !how.wait {
        return Ok(answer(StatusCode::ACCEPTED, &run.status()));
    }
    tokio::time::sleep(delay).await;
    Ok(answer(StatusCode::OK, &run.result()))
}

async fn show_run(State(state): State<Arc<Agents>>, _: Bearer, Path(id): Path<String>) -> Answer {
    state.lookup_delay.pause().await;
    Ok(answer(StatusCode::OK, &state.run(&id)?.status()))
}

async fn show_result(State(state): State<Arc<Agents>>, _: Bearer, Path(id): Path<String>) -> Answer {
    state.lookup_delay.pause().await;
    let run = state.run(&id)?;
    if !run.is_done() {
        return Err(Refusal(StatusCode::CONFLICT, "run is still running".to_owned()));
    }
    Ok(answer(StatusCode::OK, &run.result()))
}

impl Agents {
    fn agent(&self, id: &str) -> Result<Agent, Refusal> {
        let id = parse_id("agent", id)?;
        lock(&self.agents).get(&id).cloned().ok_or_else(|| Refusal::not_found("agent"))
    }

    fn run(&self, id: &str) -> Result<Run, Refusal> {
        let id = parse_id("run", id)?;
        lock(&self.runs).get(&id).ok_or_else(|| Refusal::not_found("run"))
    }
}
