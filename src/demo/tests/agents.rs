//! The agents service's status codes, paging and runs.

use super::*;

async fn first_agent(bench: &Bench) -> String {
    let (_, agents) = bench.get(Service::Agents, "/agents/").await;
    agents[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn create_then_get() {
    let bench = Bench::start(instant()).await;
    let new = json!({ "name": "planner", "model": "small", "temperature": 0.2 });
    let (status, agent) = bench.post(Service::Agents, "/agents/", &new).await;
    assert_eq!((status, agent["name"].as_str()), (StatusCode::CREATED, Some("planner")));
    let path = format!("/agents/{}", agent["id"].as_str().unwrap());
    assert_eq!(bench.get(Service::Agents, &path).await, (StatusCode::OK, agent));

    for wrong in [json!({ "name": "planner" }), json!({ "name": "", "model": "small" }), json!([])] {
        let (status, _) = bench.post(Service::Agents, "/agents/", &wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    for missing in ["/agents/7", "/agents/00000000-0000-4000-8000-000000000000"] {
        assert_eq!(bench.get(Service::Agents, missing).await.0, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn lists_in_pages() {
    let bench = Bench::start(instant()).await;
    for n in 0..7 {
        let new = json!({ "name": format!("agent {n}"), "model": "small" });
        bench.post(Service::Agents, "/agents/", &new).await;
    }
    let names = |page: Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, all) = bench.get(Service::Agents, "/agents/").await;
    assert_eq!(all[0]["name"], "researcher");
    let all = names(all);
    assert_eq!(all.len(), 12);
    let (_, page) = bench.get(Service::Agents, "/agents/?limit=5&offset=5").await;
    assert_eq!(names(page), all[5..10]);
    assert_eq!(bench.get(Service::Agents, "/agents/?offset=500").await.1, json!([]));
    for wrong in ["limit=0", "limit=101", "limit=x", "offset=-1"] {
        let (status, _) = bench.get(Service::Agents, &format!("/agents/?{wrong}")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn execute_waits_for_the_result() {
    let bench = Bench::start(DemoOptions { slow: 0.01, ..instant() }).await;
    let path = format!("/agents/{}/execute", first_agent(&bench).await);
    let (status, run) = bench.post(Service::Agents, &path, &json!({ "input": "Sum up" })).await;
    assert_eq!((status, run["status"].as_str()), (StatusCode::OK, Some("done")));
    assert!(run["output"].as_str().unwrap().contains("Sum up") && run["duration_ms"].is_u64());

    let empty = bench.post(Service::Agents, &path, &json!({ "input": "" })).await;
    assert_eq!(empty.0, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = bench.post(Service::Agents, "/agents/7/execute", &json!({ "input": "x" })).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_can_be_polled() {
    let bench = Bench::start(DemoOptions { slow: 0.3, ..instant() }).await;
    let path = format!("/agents/{}/execute?wait=false", first_agent(&bench).await);
    let (status, run) = bench.post(Service::Agents, &path, &json!({ "input": "Sum up" })).await;
    assert_eq!((status, run["status"].as_str()), (StatusCode::ACCEPTED, Some("running")));

    let path = format!("/runs/{}", run["run_id"].as_str().unwrap());
    let result_path = format!("{path}/result");
    assert_eq!(bench.get(Service::Agents, &result_path).await.0, StatusCode::CONFLICT);
    while bench.get(Service::Agents, &path).await.1["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let (status, result) = bench.get(Service::Agents, &result_path).await;
    assert_eq!((status, result["status"].as_str()), (StatusCode::OK, Some("done")));
    for missing in ["/runs/7", "/runs/7/result"] {
        assert_eq!(bench.get(Service::Agents, missing).await.0, StatusCode::NOT_FOUND);
    }
}
