//! The auth service's status codes and token life.

use super::*;

#[tokio::test]
async fn register_accepts_once_and_explains_refusals() {
    let bench = Bench::start(instant()).await;
    let cases = [
        (json!({ "email": "bob@example.com", "password": "12345678" }), StatusCode::CREATED),
        (json!({ "email": "Bob@Example.com", "password": "12345678" }), StatusCode::CONFLICT),
        (json!({ "email": "bob.example.com", "password": "12345678" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "email": "eve@example.com", "password": "1234567" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "email": "eve@example.com" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "email": 5, "password": "12345678" }), StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (body, wanted) in cases {
        let (status, answer) = bench.post(Service::Auth, "/auth/register", &body).await;
        assert_eq!(status, wanted, "{body}: {answer}");
        assert!(answer["id"].is_string() || answer["detail"].is_string());
    }
    let malformed = bench.send(Service::Auth, Method::POST, "/auth/register", "{".to_owned()).await;
    assert_eq!(malformed.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn login_gives_tokens_or_401() {
    let bench = Bench::start(instant()).await;
    let right = json!({ "email": EMAIL, "password": PASSWORD });
    let (_, tokens) = bench.post(Service::Auth, "/auth/login", &right).await;
    assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_u64()), (Some("bearer"), Some(600)));

    for wrong in [
        json!({ "email": EMAIL, "password": "wrong horse" }),
        json!({ "email": "nobody@example.com", "password": PASSWORD }),
    ] {
        assert_eq!(bench.post(Service::Auth, "/auth/login", &wrong).await.0, StatusCode::UNAUTHORIZED);
    }
    let missing = bench.post(Service::Auth, "/auth/login", &json!({ "email": EMAIL })).await;
    assert_eq!(missing.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_refresh_token_buys_a_working_access_token() {
    let bench = Bench::start(instant()).await;
    let ada = json!({ "email": EMAIL, "password": PASSWORD });
    let (_, login) = bench.post(Service::Auth, "/auth/login", &ada).await;
    let request = json!({ "refresh_token": login["refresh_token"] });
    let (status, fresh) = bench.post(Service::Auth, "/auth/refresh", &request).await;
    assert_eq!(status, StatusCode::OK);

    let bench = bench.with_token(fresh["access_token"].as_str().unwrap());
    assert_eq!(bench.get(Service::Auth, "/auth/me").await.1["email"], EMAIL);
    let access = json!({ "refresh_token": login["access_token"] });
    assert_eq!(bench.post(Service::Auth, "/auth/refresh", &access).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        bench.post(Service::Auth, "/auth/refresh", &json!({})).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn an_expired_token_is_refused_by_every_service() {
    let bench = Bench::start(DemoOptions { token_ttl_s: 0, ..instant() }).await;
    for (service, path) in [(Service::Auth, "/auth/me"), (Service::Agents, "/agents/")] {
        assert_eq!(bench.get(service, path).await.0, StatusCode::UNAUTHORIZED);
    }
    let query = bench.post(Service::Rag, "/query", &json!({ "query": "agents" })).await;
    assert_eq!(query.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_protected_route_wants_a_token() {
    let bench = Bench::start(instant()).await.with_token("nonsense");
    for (service, method, path) in [
        (Service::Auth, Method::GET, "/auth/me"),
        (Service::Agents, Method::GET, "/agents/"),
        (Service::Agents, Method::POST, "/agents/"),
        (Service::Agents, Method::GET, "/agents/1"),
        (Service::Agents, Method::POST, "/agents/1/execute"),
        (Service::Agents, Method::GET, "/runs/1"),
        (Service::Agents, Method::GET, "/runs/1/result"),
        (Service::Rag, Method::POST, "/query"),
        (Service::Rag, Method::POST, "/documents"),
    ] {
        let (status, _) = bench.send(service, method, path, "{}".to_owned()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for service in [Service::Auth, Service::Agents, Service::Rag] {
        assert_eq!(bench.get(service, "/health").await.0, StatusCode::OK);
    }
}
