//! What the services share on the wire: `{"detail": …}` refusals, checked bodies and queries, the bearer check.
//! Must not hold a service's own rules.

use axum::extract::{FromRef, FromRequest, FromRequestParts, Json, Query, Request};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::id::Id;
use super::token::{Kind, Tokens};

/// Longest request body the services read.
pub(super) const MAX_BODY_BYTES: usize = 1024 * 1024;

/// What a handler gives: an answer or a refusal.
pub(super) type Answer = Result<Response, Refusal>;

/// An error response in FastAPI's shape.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) StatusCode, pub(super) String);

impl Refusal {
    /// 422 with the reason.
    pub(super) fn invalid(detail: impl Into<String>) -> Refusal {
        Refusal(StatusCode::UNPROCESSABLE_ENTITY, detail.into())
    }

    /// 404, naming what is missing.
    pub(super) fn not_found(what: &str) -> Refusal {
        Refusal(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// 401 with the reason.
    pub(super) fn unauthorized(detail: &str) -> Refusal {
        Refusal(StatusCode::UNAUTHORIZED, detail.to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Refusal(status, detail) = self;
        let mut response = answer(status, &json!({ "detail": detail }));
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A JSON response.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    (status, Json(body)).into_response()
}

/// Any path or method a service does not have.
pub(super) async fn unknown_route() -> Refusal {
    Refusal::not_found("route")
}

/// The text's length in characters must lie in `range`, else 422.
pub(super) fn check_length(
    field: &str,
    text: &str,
    range: std::ops::RangeInclusive<usize>,
) -> Result<(), Refusal> {
    if range.contains(&text.chars().count()) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(Refusal::invalid(format!("{field} must have {least} to {most} characters")))
}

/// The id in a path, or 404: a malformed id is the id of nothing.
pub(super) fn parse_id(what: &str, text: &str) -> Result<Id, Refusal> {
    Id::parse(text).ok_or_else(|| Refusal::not_found(what))
}

/// A JSON body; malformed, incomplete or mistyped is 422, too long is 413.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Refusal> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Body(value)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("body is over {MAX_BODY_BYTES} bytes")))
            }
            Err(rejection) => Err(Refusal::invalid(rejection.body_text())),
        }
    }
}

/// The query string; a malformed value is 422.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>, Refusal> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Params(value)).map_err(|rejection| Refusal::invalid(rejection.body_text()))
    }
}

/// The user of a valid bearer token; anything else is 401.
pub(super) struct Bearer(pub(super) Id);

impl<S: Send + Sync> FromRequestParts<S> for Bearer
where
    Tokens: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Bearer, Refusal> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|text| text.split_once(' ')).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::unauthorized("not authenticated"));
        }
        let user = Tokens::from_ref(state).verify(Kind::Access, token.trim());
        user.map(Bearer).ok_or_else(|| Refusal::unauthorized("token is invalid or expired"))
    }
}
