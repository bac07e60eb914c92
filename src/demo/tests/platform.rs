//! What holds for the platform as a whole: counters, injected errors, ports, kill and stop.

use super::*;

#[tokio::test]
async fn counts_arrivals_by_route_pattern() {
    let bench = Bench::start(instant()).await;
    bench.get(Service::Agents, "/agents/1").await;
    bench.get(Service::Agents, "/agents/2").await;
    bench.get(Service::Rag, "/nowhere").await;
    bench.post(Service::Auth, "/health", &json!({})).await;
    let (_, stats) = bench.get(Service::Agents, "/stats").await;
    assert_eq!(stats["GET agents:/agents/{id}"], 2);

    let counters = bench.demo.counters();
    assert_eq!(counters["POST auth:/auth/register"], 1);
    assert_eq!(counters["POST auth:/auth/login"], 1);
    assert_eq!(counters["GET agents:/agents/{id}"], 2);
    assert_eq!(counters["POST rag:/query"], 0);
    assert_eq!(counters["other"], 2);
    assert_eq!(counters.values().sum::<u64>(), 6);
}

#[tokio::test]
async fn a_request_is_counted_before_it_is_answered() {
    let bench = Bench::start(DemoOptions { slow: 5.0, ..instant() }).await;
    let (_, agents) = bench.get(Service::Agents, "/agents/").await;
    let path = format!("/agents/{}/execute", agents[0]["id"].as_str().unwrap());
    let task = json!({ "input": "x" });
    let request = bench.post(Service::Agents, &path, &task);
    let waited = tokio::time::timeout(std::time::Duration::from_millis(100), request).await;
    assert!(waited.is_err());
    assert_eq!(bench.demo.counters()["POST agents:/agents/{id}/execute"], 1);
}

#[tokio::test]
async fn errors_strike_agents_and_rag_but_not_auth_and_health() {
    let bench = Bench::start(DemoOptions { error_rate: 1.0, ..instant() }).await;
    for _ in 0..20 {
        let (status, answer) = bench.get(Service::Agents, "/agents/").await;
        assert!(status == 500 || status == 503, "{status}");
        assert!(answer["detail"].is_string());
    }
    assert!(bench.post(Service::Rag, "/query", &json!({ "query": "x" })).await.0.is_server_error());
    assert_eq!(bench.get(Service::Auth, "/auth/me").await.0, StatusCode::OK);
    assert_eq!(bench.get(Service::Rag, "/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Demo::start(DemoOptions { auth_port: port, ..instant() }).await.err().unwrap();
    assert!(matches!(error, DemoError::PortInUse { service: "auth", .. }));
    assert!(error.to_string().starts_with(&format!("port {port} is already in use: ")));
}

#[tokio::test]
async fn options_out_of_range_are_refused() {
    for wrong in [
        DemoOptions { error_rate: 1.5, ..instant() },
        DemoOptions { slow: f64::NAN, ..instant() },
        DemoOptions { slow: -1.0, ..instant() },
    ] {
        assert!(matches!(Demo::start(wrong).await, Err(DemoError::Option { .. })));
    }
}

#[tokio::test]
async fn killing_a_service_cuts_idle_and_busy_connections() {
    let bench = Bench::start(DemoOptions { slow: 5.0, ..instant() }).await;
    let (_, agents) = bench.get(Service::Agents, "/agents/").await;
    let path = format!("/agents/{}/execute", agents[0]["id"].as_str().unwrap());
    let request = bench.request(Method::POST, &path, json!({ "input": "x" }).to_string());
    let mut idle = bench.connect(Service::Agents).await;
    let busy = tokio::spawn(bench.connect(Service::Agents).await.send_request(request));
    while bench.demo.counters()["POST agents:/agents/{id}/execute"] == 0 {
        tokio::task::yield_now().await;
    }
    bench.demo.kill(Service::Agents);
    let within = |future| tokio::time::timeout(std::time::Duration::from_secs(1), future);
    assert!(within(busy).await.unwrap().unwrap().is_err());
    assert!(TcpStream::connect(&bench.address(Service::Agents)).await.is_err());
    while idle.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.get(Service::Auth, "/health").await.0, StatusCode::OK);
}

#[tokio::test]
async fn stopping_frees_the_ports() {
    let bench = Bench::start(instant()).await;
    let open = bench.connect(Service::Auth).await;
    let address = bench.address(Service::Auth);
    bench.demo.stop().await;
    assert!(TcpStream::connect(&address).await.is_err());
    drop(open);
}
