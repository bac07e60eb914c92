//! `http.local_addresses`: connections come from these addresses in turn, and one that cannot be used is told
//! before the first request.
#![cfg(target_os = "linux")] // elsewhere loopback has one address

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpListener};
use std::sync::{Arc, Mutex};

use crate::support::{Scratch, count, row};

/// A server that keeps who connected.
struct Server {
    url: String,
    peers: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

impl Server {
    /// Answers until the process ends.
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let peers = Arc::new(Mutex::new(BTreeMap::new()));
        let kept = peers.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                *kept.lock().unwrap().entry(stream.peer_addr().unwrap().ip()).or_default() += 1;
                std::thread::spawn(move || {
                    let mut buffer = [0u8; 4096];
                    // Requests come one at a time and fit one read.
                    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
                        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, peers }
    }

    fn peers(&self) -> BTreeMap<IpAddr, usize> {
        self.peers.lock().unwrap().clone()
    }
}

fn plan(url: &str, addresses: &str) -> String {
    format!(
        "plan: 1\ntarget: \"{url}\"\nhttp: {{ local_addresses: {addresses} }}\nready: {{ checks: [GET /], timeout: 5s }}\n\
         endpoints: {{ a: {{ request: GET / }} }}\nload: {{ users: 6, iterations_per_user: 2 }}\n"
    )
}

#[test]
fn connections_come_from_each_address_in_turn() {
    let server = Server::start();
    let ran = Scratch::new().run(&plan(&server.url, "[127.0.0.2, 127.0.0.3]"), &["--workers", "1"]);
    ran.done.assert_code(0);
    let row = row(&ran.result, "a");
    assert_eq!(
        (count(&row["requests"]), count(&row["failures"]), count(&row["new_connections"])),
        (12, 0, 6)
    );
    let peers = server.peers();
    // The readiness check opened one from the first.
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(peers, BTreeMap::from([(address("127.0.0.2"), 4), (address("127.0.0.3"), 3)]));
}

#[test]
fn workers_share_the_addresses() {
    let server = Server::start();
    let ran = Scratch::new().run(&plan(&server.url, "[127.0.0.2, 127.0.0.3]"), &["--workers", "3"]);
    ran.done.assert_code(0);
    let peers = server.peers();
    // Three workers with two users each: one from either address, and the readiness check.
    assert_eq!(peers.values().copied().collect::<Vec<_>>(), [4, 3], "{peers:?}");
}

#[test]
fn addresses_of_the_other_family_are_left_out() {
    let server = Server::start();
    let ran = Scratch::new().run(&plan(&server.url, "[127.0.0.2, \"::1\"]"), &[]);
    // A machine without IPv6 refuses the address, before anything is sent.
    if ran.done.code == 3 {
        assert!(ran.done.stderr.contains("cannot connect from ::1"), "{}", ran.done.output());
        return;
    }
    ran.done.assert_code(0);
    assert_eq!(server.peers().keys().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.2"]);
}

#[test]
fn what_cannot_work_is_refused_before_the_first_request() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address of it.
    let cases = [
        ("[127.0.0.2, 192.0.2.1]", None, "cannot connect from 192.0.2.1"),
        ("[127.0.0.2]", Some("http://[2001:db8::1]:1"), "no address of that family"),
    ];
    for (addresses, target, words) in cases {
        let server = Server::start();
        let ran = Scratch::new().run(&plan(target.unwrap_or(&server.url), addresses), &[]);
        ran.done.assert_code(3);
        assert!(ran.done.stderr.contains(words), "{}", ran.done.output());
        assert!(ran.done.stderr.contains("http.local_addresses"), "{}", ran.done.output());
        assert!(server.peers().is_empty(), "{:?}", server.peers());
    }
}
