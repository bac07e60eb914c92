//! A static request allocates nothing of ours: what the engine allocates per request is what hyper allocates for
//! the same request, counted by an allocator that counts.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "an allocator can only be written with it; it forwards to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use plimsoll::compile::{Purpose, compile};
use plimsoll::diagnostic::{Diagnostics, Source};
use plimsoll::engine::{Commands, RunOptions, run};
use plimsoll::plan::load::{Overrides, load_str};
use plimsoll::plan::parse::Format;

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Answers every request on every connection with the same bytes and allocates nothing for it.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = [0u8; 4096];
            // Requests come one at a time and fit one read.
            while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
                if stream.write_all(answer).is_err() {
                    break;
                }
            }
        }
    });
    address
}

fn plan(address: SocketAddr, iterations: u64) -> String {
    format!(
        "plan: 1\ntarget: http://{address}\nendpoints:\n  static: {{ request: GET /, expect: [status == 200] }}\n\
         load: {{ users: 1, iterations: {iterations} }}\n"
    )
}

/// Allocations of a whole run of the engine.
fn of_engine(address: SocketAddr, iterations: u64) -> u64 {
    let source = Source { name: "plan.yaml".into(), dir: ".".into(), text: plan(address, iterations) };
    let loaded = load_str(Format::Yaml, source, &Overrides::default());
    let mut found = Diagnostics::default();
    let plan =
        compile(&loaded, Path::new("plan.yaml"), None, Purpose::Run, &mut found).expect("the plan is valid");
    let options = RunOptions { seed: 1, run_id: "test".into(), workers: 1, trace: None, samples: None };
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let outcome = run(Arc::new(plan), options, Commands::none(), &mut |_| {}).unwrap();
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(outcome.totals.series[0].ok.count(), iterations);
    allocations
}

/// Allocations of the same requests on a bare hyper connection.
fn of_hyper(address: SocketAddr, iterations: u64) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut send, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let mut headers = http::HeaderMap::new();
        headers.insert("host", address.to_string().parse().unwrap());
        headers.insert("user-agent", "plimsoll".parse().unwrap());
        let work = async {
            for _ in 0..iterations {
                let mut request = http::Request::new(Full::new(Bytes::new()));
                *request.uri_mut() = http::Uri::from_static("/");
                *request.headers_mut() = headers.clone();
                send.ready().await.unwrap();
                let response = send.send_request(request).await.unwrap();
                let mut body = response.into_body();
                while let Some(frame) = body.frame().await {
                    frame.unwrap();
                }
            }
        };
        tokio::select! {
            _ = connection => panic!("the server closed the connection"),
            () = work => {}
        }
    });
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

#[test]
fn a_static_request_allocates_nothing_of_ours() {
    const FEW: u64 = 2_000;
    const MANY: u64 = 12_000;
    let address = server();
    let per_request = |count: &dyn Fn(u64) -> u64| {
        let (few, many) = (count(FEW), count(MANY));
        (many as f64 - few as f64) / (MANY - FEW) as f64
    };
    let ours = per_request(&|n| of_engine(address, n));
    let bare = per_request(&|n| of_hyper(address, n));
    // Once a second the worker ships its recorder: that is per second, not per request.
    assert!(ours < bare + 0.1, "the engine allocates {ours:.3} times a request, bare hyper {bare:.3}");
    assert!(bare > 1.0, "the allocator does not count: {bare}");
}
