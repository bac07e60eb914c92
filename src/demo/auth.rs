//! The auth service: register, log in, refresh, who am I. Must not log or echo a password or a token it did not
//! just issue. Holds at most [`MAX_USERS`] users and forgets the oldest beyond that.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::DemoOptions;
use super::answer::{Answer, Bearer, Body, MAX_BODY_BYTES, Refusal, answer, check_length, unknown_route};
use super::counters::Route;
use super::delay::Delay;
use super::id::Id;
use super::store::{Bounded, lock};
use super::token::{Kind, Tokens};

/// The routes counted by name.
pub(super) const ROUTES: &[Route] = &[
    ("GET", "/health"),
    ("POST", "/auth/register"),
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("GET", "/auth/me"),
];

const MAX_USERS: usize = 100_000;

struct User {
    email: String,
    password_digest: [u8; 32],
}

struct Auth {
    users: Mutex<Bounded<User>>,
    tokens: Tokens,
    password_delay: Delay,
    lookup_delay: Delay,
}

impl FromRef<Arc<Auth>> for Tokens {
    fn from_ref(auth: &Arc<Auth>) -> Tokens {
        auth.tokens.clone()
    }
}

/// Everything but `/health`, which is answered before the router.
pub(super) fn router(options: &DemoOptions, tokens: Tokens) -> Router {
    let auth = Auth {
        users: Mutex::new(Bounded::new(MAX_USERS, 0)),
        tokens,
        password_delay: Delay::new(0.008 * options.slow, 0.4, options.seed),
        lookup_delay: Delay::new(0.004 * options.slow, 0.4, options.seed ^ 1),
    };
    Router::new()
        .route("/auth/register", post(register))
        .route("/auth/login", post(login))
        .route("/auth/refresh", post(refresh))
        .route("/auth/me", get(me))
        .fallback(unknown_route)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(auth))
}

/// No `Debug`: a password must not find its way into a message.
#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

async fn register(State(auth): State<Arc<Auth>>, Body(who): Body<Credentials>) -> Answer {
    check_length("email", &who.email, 3..=254)?;
    if !who.email.contains('@') {
        return Err(Refusal::invalid("email must contain an @"));
    }
    check_length("password", &who.password, 8..=256)?;
    auth.password_delay.pause().await;

    let id = user_id(&who.email);
    let user = User { email: who.email.clone(), password_digest: digest(id, &who.password) };
    if !lock(&auth.users).insert(id, user) {
        return Err(Refusal(StatusCode::CONFLICT, "email is already registered".to_owned()));
    }
    Ok(answer(StatusCode::CREATED, &json!({ "id": id, "email": who.email })))
}

async fn login(State(auth): State<Arc<Auth>>, Body(who): Body<Credentials>) -> Answer {
    auth.password_delay.pause().await;
    let id = user_id(&who.email);
    let given = digest(id, &who.password);
    let known = lock(&auth.users).get(&id).is_some_and(|user| user.password_digest == given);
    if !known {
        return Err(Refusal::unauthorized("email or password is wrong"));
    }
    Ok(auth.grant(id))
}

#[derive(Deserialize)]
struct RefreshRequest {
    refresh_token: String,
}

async fn refresh(State(auth): State<Arc<Auth>>, Body(request): Body<RefreshRequest>) -> Answer {
    auth.lookup_delay.pause().await;
    let user = auth.tokens.verify(Kind::Refresh, &request.refresh_token);
    let user = user.ok_or_else(|| Refusal::unauthorized("refresh token is invalid or expired"))?;
    Ok(auth.grant(user))
}

async fn me(State(auth): State<Arc<Auth>>, Bearer(id): Bearer) -> Answer {
    auth.lookup_delay.pause().await;
    let email = lock(&auth.users).get(&id).map(|user| user.email.clone());
    let email = email.ok_or_else(|| Refusal::unauthorized("user is no longer known"))?;
    Ok(answer(StatusCode::OK, &json!({ "id": id, "email": email })))
}

impl Auth {
    fn grant(&self, user: Id) -> axum::response::Response {
        let body = json!({
            "access_token": self.tokens.issue(Kind::Access, user),
            "refresh_token": self.tokens.issue(Kind::Refresh, user),
            "token_type": "bearer",
            "expires_in": self.tokens.ttl_s(),
        });
        answer(StatusCode::OK, &body)
    }
}

/// The id follows from the address, so one map answers both "is it taken" and "who is this".
fn user_id(email: &str) -> Id {
    let hash = Sha256::digest(email.to_lowercase());
    Id::from_bytes(std::array::from_fn(|at| hash[at]))
}

/// Salted by user. A real service would use a slow hash; this one must not be the bottleneck of the demo.
fn digest(user: Id, password: &str) -> [u8; 32] {
    Sha256::new().chain_update(user.as_bytes()).chain_update(password).finalize().into()
}
