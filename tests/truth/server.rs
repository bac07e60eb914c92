//! The truth server itself: a truth that is off proves nothing. A plain client asks it over one socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::truth_server::{Draw, ServerProcess, Spec, TruthServer, serve_when_told};

/// The truth server in a process of its own: this test binary, told to run nothing but the test below.
pub fn in_own_process(spec: Spec) -> ServerProcess {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "server::in_a_process_of_its_own", "--nocapture"]);
    ServerProcess::start(program, spec)
}

#[test]
fn in_a_process_of_its_own() {
    if serve_when_told() {
        return;
    }
    let server = in_own_process(Spec::each(0));
    let mut client = Client::to(&server.url);
    assert!(client.ask("/a").starts_with("HTTP/1.1 200 OK\r\n"));
    client.ask("/b");
    drop(client);
    let log = server.finish();
    assert_eq!((log.received(), log.count("/a"), log.count("/b")), (2, 1, 1));
    assert_eq!(log.stays_us().len(), 2, "both were answered");
}

struct Client(TcpStream);

impl Client {
    fn to(url: &str) -> Self {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    fn send(&mut self, path: &str) {
        write!(self.0, "POST {path} HTTP/1.1\r\nhost: x\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
    }

    fn receive(&mut self) -> String {
        let mut answer = vec![];
        let mut buffer = [0; 1024];
        while !answer.ends_with(b"}") {
            let length = self.0.read(&mut buffer).unwrap();
            assert!(length > 0, "closed after {answer:?}");
            answer.extend_from_slice(&buffer[..length]);
        }
        String::from_utf8(answer).unwrap()
    }

    fn ask(&mut self, path: &str) -> String {
        self.send(path);
        self.receive()
    }
}

#[test]
fn answers_no_earlier_than_the_service_time_and_side_by_side() {
    let server = TruthServer::start(Spec::each(300_000));
    let mut clients: Vec<_> = (0..50).map(|_| Client::to(&server.url)).collect();
    let begin = Instant::now();
    clients.iter_mut().for_each(|client| client.send("/a"));
    clients.iter_mut().for_each(|client| drop(client.receive()));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    drop(clients);
    let log = server.finish();
    assert_eq!((log.received(), log.connections()), (50, 50));
    assert!(log.stays_us().iter().all(|stay_us| *stay_us >= 300_000), "{:?}", log.stays_us());
    let least_apart_us =
        log.entries.windows(2).map(|pair| pair[1].answered_us.unwrap() - pair[0].answered_us.unwrap());
    assert!(least_apart_us.min().unwrap() < 300_000, "not one after the other");
}

#[test]
fn the_queue_serves_one_at_a_time_in_order() {
    let server = TruthServer::start(Spec::queue(Draw::Fixed { service_us: 20_000 }));
    let mut clients: Vec<_> = (0..10).map(|_| Client::to(&server.url)).collect();
    for client in &mut clients {
        client.send("/a");
    }
    clients.iter_mut().for_each(|client| drop(client.receive()));
    drop(clients);
    let log = server.finish();
    let first_us = log.entries[0].received_us;
    for (index, entry) in log.entries.iter().enumerate() {
        let done_us = entry.answered_us.unwrap() - first_us;
        assert!(done_us >= 20_000 * (index as u64 + 1), "answer {index} after {done_us} µs");
    }
}

#[test]
fn exponential_times_are_drawn_from_the_seed_and_kept() {
    let spec = Spec::queue(Draw::Exponential { mean_us: 1000.0, seed: 7 });
    let drawn = spec.draws_us(20_000);
    let mean_us = drawn.iter().sum::<u64>() as f64 / 20_000.0;
    // Five standard errors; the seed is fixed.
    assert!((mean_us - 1000.0).abs() < 5.0 * 1000.0 / 20_000_f64.sqrt(), "{mean_us}");
    let over = drawn.iter().filter(|drawn_us| **drawn_us > 2996).count() as f64 / 20_000.0;
    assert!((over - 0.05).abs() < 0.01, "e^(-2.996) = 5 % are over 2 996 µs: {over}");
    let server = TruthServer::start(spec);
    let mut client = Client::to(&server.url);
    (0..40).for_each(|_| drop(client.ask("/a")));
    drop(client);
    let stays = server.finish().stays_us();
    assert_eq!(stays.len(), 40);
    // The client waits for each answer, so nothing queues: a stay is the drawn time, or later.
    assert!(stays.iter().zip(&drawn).all(|(stay_us, drawn_us)| stay_us >= drawn_us), "{stays:?} {drawn:?}");
}

#[test]
fn the_queue_is_the_one_of_the_textbooks() {
    // Computed, without a clock. Even arrivals at 70/s, exponential services of 10 ms: σ = e^(−(1 − σ)/0.7) =
    // 0.467, mean stay 10 ms/(1 − σ) = 18.76 ms, p95 ln 20 times that (D/M/1; Kleinrock, Queueing Systems I, 6.3).
    let spec = Spec::queue(Draw::Exponential { mean_us: 10_000.0, seed: 3 });
    let mut stays = spec.due_stays_us((0..400_000).map(|index| index * 1_000_000 / 70));
    let mean_us = stays.iter().sum::<u64>() as f64 / stays.len() as f64;
    assert!((mean_us - 18_760.0).abs() < 400.0, "{mean_us}");
    stays.sort_unstable();
    let p95_us = stays[stays.len() * 95 / 100];
    assert!(p95_us.abs_diff(56_200) < 1_500, "{p95_us}");
}

#[test]
fn nothing_is_answered_in_the_freeze() {
    let server = TruthServer::start(Spec::each(1_000).with_freeze(100_000, 400_000));
    let mut client = Client::to(&server.url);
    let begin = Instant::now();
    let mut asked = 0;
    while begin.elapsed() < Duration::from_millis(700) {
        client.ask("/a");
        asked += 1;
    }
    drop(client);
    let log = server.finish();
    assert_eq!(log.received(), asked);
    let first_us = log.entries[0].received_us;
    let frozen = first_us + 100_000..first_us + 500_000;
    // The clock of the answer is read just before it is given, never before it is due.
    let due_in_freeze = log.entries.iter().filter(|entry| frozen.contains(&(entry.received_us + 1_000)));
    for entry in due_in_freeze {
        assert!(entry.answered_us.unwrap() >= frozen.end, "{entry:?} answered in {frozen:?}");
    }
    assert!(*log.stays_us().iter().max().unwrap() >= 350_000, "{:?}", log.stays_us());
}
