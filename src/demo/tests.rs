//! Tests of the running services over real sockets. Pure parts are tested next to their code.

use axum::http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{Demo, DemoError, DemoOptions, Service};

mod agents;
mod auth;
mod platform;
mod rag;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse";

/// A demo without delays, and a client with one fresh connection a request.
struct Bench {
    demo: Demo,
    token: String,
}

fn instant() -> DemoOptions {
    DemoOptions { slow: 0.0, ..DemoOptions::on_free_ports() }
}

impl Bench {
    /// Starts the demo with Ada registered and logged in.
    async fn start(options: DemoOptions) -> Bench {
        let demo = Demo::start(options).await.unwrap();
        let mut bench = Bench { demo, token: String::new() };
        let ada = json!({ "email": EMAIL, "password": PASSWORD });
        assert_eq!(bench.post(Service::Auth, "/auth/register", &ada).await.0, StatusCode::CREATED);
        let (status, login) = bench.post(Service::Auth, "/auth/login", &ada).await;
        assert_eq!(status, StatusCode::OK);
        bench.token = login["access_token"].as_str().unwrap().to_owned();
        bench
    }

    async fn get(&self, service: Service, path: &str) -> (StatusCode, Value) {
        self.send(service, Method::GET, path, String::new()).await
    }

    async fn post(&self, service: Service, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(service, Method::POST, path, body.to_string()).await
    }

    async fn send(&self, service: Service, method: Method, path: &str, body: String) -> (StatusCode, Value) {
        let request = self.request(method, path, body);
        let response = self.connect(service).await.send_request(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    fn request(&self, method: Method, path: &str, body: String) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::from(body))
            .unwrap()
    }

    async fn connect(&self, service: Service) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(self.address(service)).await.unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    fn address(&self, service: Service) -> String {
        let url = match service {
            Service::Auth => self.demo.auth_url(),
            Service::Agents => self.demo.agents_url(),
            Service::Rag => self.demo.rag_url(),
        };
        url.trim_start_matches("http://").to_owned()
    }

    /// The same bench as someone else.
    fn with_token(mut self, token: &str) -> Bench {
        self.token = token.to_owned();
        self
    }
}
