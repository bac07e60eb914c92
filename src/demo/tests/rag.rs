//! The RAG service's status codes and relevance.

use super::*;
use crate::demo::chance::Chance;
use crate::demo::corpus::CORPUS;
use crate::demo::rag::corpus_index;

#[tokio::test]
async fn finds_what_was_asked_and_what_was_added() {
    let bench = Bench::start(instant()).await;
    let asked = json!({ "query": "How do I exchange a refresh token?", "top_k": 3 });
    let (status, found) = bench.post(Service::Rag, "/query", &asked).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(found["results"].as_array().unwrap().len(), 3);
    assert_eq!(found["results"][0]["title"], "Refreshing a token");
    assert!(found["took_ms"].is_number() && found["query"] == asked["query"]);

    let new = json!({ "title": "Zebra mode", "text": "Zebra mode paints every second row." });
    let (status, added) = bench.post(Service::Rag, "/documents", &new).await;
    assert_eq!(status, StatusCode::CREATED);
    let (_, found) = bench.post(Service::Rag, "/query", &json!({ "query": "zebra" })).await;
    assert_eq!(found["results"][0]["id"], added["id"]);
}

#[tokio::test]
async fn refuses_what_is_out_of_bounds() {
    let bench = Bench::start(instant()).await;
    for (path, body) in [
        ("/query", json!({ "query": "agents", "top_k": 0 })),
        ("/query", json!({ "query": "agents", "top_k": 51 })),
        ("/query", json!({ "query": "agents", "top_k": "5" })),
        ("/query", json!({ "query": "" })),
        ("/query", json!({ "top_k": 5 })),
        ("/documents", json!({ "title": "no text" })),
        ("/documents", json!({ "title": "long", "text": "x".repeat(8001) })),
    ] {
        let (status, answer) = bench.post(Service::Rag, path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    }
    let huge = json!({ "title": "huge", "text": "x".repeat(1024 * 1024) });
    assert_eq!(bench.post(Service::Rag, "/documents", &huge).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn every_document_is_the_best_answer_to_its_own_title() {
    let index = corpus_index(&Chance::new(0.0, 1));
    let found = |title: &str| index.search(title, 1).first().map(|hit| hit.title.clone());
    let lost: Vec<_> = CORPUS.iter().filter(|(title, _)| found(title).as_deref() != Some(title)).collect();
    assert!(lost.len() <= CORPUS.len() / 20, "{lost:?}");
}

#[test]
fn every_question_of_the_plans_finds_something() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/temponest/data/questions.csv");
    let mut questions = csv::Reader::from_path(path).unwrap();
    let index = corpus_index(&Chance::new(0.0, 1));
    let mut asked = 0;
    for row in questions.records() {
        let row = row.unwrap();
        assert!(!index.search(&row[0], 5).is_empty(), "nothing found for {row:?}");
        asked += 1;
    }
    assert!(asked >= 40, "only {asked} questions");
}
