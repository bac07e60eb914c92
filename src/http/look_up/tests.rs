//! Look-ups by a resolver of the test's own: how often it is asked, and who waits for it.

use std::future::Future;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::{JoinSet, LocalSet, yield_now};

use super::super::resolver::Resolving;
use super::*;
use crate::failure::Failure;

const USERS: u32 = 100;
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), 80);
const OTHER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)), 80);
const INTERVAL: Duration = Duration::from_secs(30);

fn no_such_name() -> Unresolved {
    Unresolved { kind: Failure::Dns, message: "no such name".into() }
}

fn named() -> Target {
    Target::parse("t", "http://host.invalid").unwrap()
}

/// Answers with what is in the script at that moment, and counts how often it was asked.
#[derive(Clone, Default)]
struct Script {
    answer: Arc<Mutex<Vec<SocketAddr>>>,
    asked: Arc<AtomicU32>,
}

impl Script {
    fn says(&self, answer: &[SocketAddr]) {
        *self.answer.lock().unwrap() = answer.to_vec();
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn addresses(&self, again: LookUps) -> Addresses {
        let Self { answer, asked } = self.clone();
        let answer = move || -> Resolving {
            asked.fetch_add(1, Ordering::Relaxed);
            let answer = answer.lock().unwrap().clone();
            Box::pin(async move { if answer.is_empty() { Err(no_such_name()) } else { Ok(answer.into()) } })
        };
        Addresses { again, resolver: Resolver::Scripted(Arc::new(answer)), ..Addresses::default() }
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// What a connection that is opened at `now` would use; and that of a look-up it began is there.
async fn used(addresses: &Addresses, now: Instant) -> Vec<SocketAddr> {
    let known = match addresses.known(&named(), now) {
        Some(known) => known,
        None => addresses.look_up(&named()).await.unwrap(),
    };
    yield_now().await;
    known.to_vec()
}

/// Each of 100 users asks; how many look-ups that took, and how many were given an address. With
/// `first_leaves` the one who started the look-up does not wait for its end.
fn ask_together(works: bool, first_leaves: bool) -> (u32, u32) {
    let count = Arc::new(AtomicU32::new(0));
    let asked = count.clone();
    let work = LocalSet::new();
    let given = run(work.run_until(async move {
        let (go, gate) = watch::channel(false);
        let resolver = Resolver::Scripted(Arc::new(move || {
            let (asked, mut gate) = (asked.clone(), gate.clone());
            Box::pin(async move {
                asked.fetch_add(1, Ordering::Relaxed);
                let _ = gate.wait_for(|open| *open).await;
                if works { Ok([ADDRESS].into()) } else { Err(no_such_name()) }
            })
        }));
        let addresses = Rc::new(Addresses { resolver, ..Addresses::default() });
        let mut users = JoinSet::new();
        for user in 0..USERS {
            let addresses = addresses.clone();
            let task = users.spawn_local(async move { addresses.look_up(&named()).await.is_ok() });
            yield_now().await;
            if user == 0 && first_leaves {
                task.abort();
            }
        }
        let _ = go.send(true);
        let mut given = 0;
        while let Some(done) = users.join_next().await {
            given += u32::from(done.is_ok_and(|known| known));
        }
        given
    }));
    (count.load(Ordering::Relaxed), given)
}

#[test]
fn all_who_ask_at_once_share_one_look_up() {
    assert_eq!(ask_together(true, false), (1, USERS));
    assert_eq!(ask_together(true, true), (1, USERS - 1));
}

#[test]
fn a_failure_is_shared_too() {
    assert_eq!(ask_together(false, false), (1, 0));
}

#[test]
fn the_next_request_asks_again_after_a_failure_and_not_after_an_answer() {
    run(async {
        let script = Script::default();
        let addresses = script.addresses(LookUps::Once);
        let error = addresses.look_up(&named()).await.unwrap_err();
        assert_eq!((error.kind, &*error.message), (Failure::Dns, "no such name"));
        let now = Instant::now();
        assert!(addresses.known(&named(), now).is_none());
        script.says(&[ADDRESS]);
        assert_eq!(used(&addresses, now).await, [ADDRESS]);
        addresses.none_answered();
        assert_eq!(used(&addresses, now + INTERVAL * 1000).await, [ADDRESS], "`once` is once");
        assert_eq!(script.asked(), 2);
        assert_eq!(
            addresses.take_counts().failed_look_ups,
            0,
            "nothing was known that could be used instead"
        );
    });
}

#[test]
fn an_old_answer_is_used_while_the_next_is_looked_up() {
    run(async {
        let script = Script::default();
        let addresses = script.addresses(LookUps::Every(INTERVAL));
        script.says(&[ADDRESS]);
        let start = Instant::now();
        assert_eq!(used(&addresses, start).await, [ADDRESS]);
        script.says(&[ADDRESS, OTHER]);
        assert_eq!(used(&addresses, start + INTERVAL / 2).await, [ADDRESS]);
        assert_eq!(script.asked(), 1);
        let late = start + INTERVAL + Duration::from_secs(1);
        assert_eq!(used(&addresses, late).await, [ADDRESS], "nobody waits for it");
        assert_eq!(used(&addresses, late).await, [ADDRESS, OTHER]);
        assert_eq!(script.asked(), 2);
        let counts = addresses.take_counts();
        assert_eq!((counts.look_ups, counts.failed_look_ups), (2, 0));
        assert_eq!(counts.addresses, [(ADDRESS.ip(), 0), (OTHER.ip(), 0)]);
    });
}

#[test]
fn connections_that_fail_ask_again_but_not_in_a_storm() {
    run(async {
        let script = Script::default();
        let addresses = script.addresses(LookUps::Every(INTERVAL));
        script.says(&[ADDRESS]);
        let start = Instant::now();
        used(&addresses, start).await;
        script.says(&[OTHER]);
        addresses.none_answered();
        assert_eq!(used(&addresses, start).await, [ADDRESS], "it was looked up just now");
        let later = start + SOONEST + Duration::from_millis(500);
        assert_eq!(used(&addresses, later).await, [OTHER], "the next connection waits for the new address");
        assert_eq!(script.asked(), 2);
        addresses.doubt();
        assert_eq!(used(&addresses, later).await, [OTHER]);
        assert_eq!(script.asked(), 2);
        assert_eq!(used(&addresses, later + SOONEST * 2).await, [OTHER]);
        assert_eq!(script.asked(), 3);
    });
}

#[test]
fn the_old_addresses_stay_when_they_cannot_be_looked_up_again() {
    run(async {
        let script = Script::default();
        let addresses = script.addresses(LookUps::Every(INTERVAL));
        script.says(&[ADDRESS]);
        let start = Instant::now();
        used(&addresses, start).await;
        script.says(&[]);
        let late = start + INTERVAL * 2;
        addresses.none_answered();
        assert_eq!(used(&addresses, late).await, [ADDRESS]);
        assert_eq!(used(&addresses, late).await, [ADDRESS]);
        let counts = addresses.take_counts();
        assert_eq!((counts.look_ups, counts.failed_look_ups, script.asked()), (2, 1, 2));
        assert_eq!(counts.last_problem.as_deref(), Some("no such name"));
    });
}

#[test]
fn a_resolver_that_hangs_holds_nobody_up_who_knows_an_address() {
    run(async {
        let script = Script::default();
        let mut addresses = script.addresses(LookUps::Every(INTERVAL));
        script.says(&[ADDRESS]);
        let start = Instant::now();
        used(&addresses, start).await;
        addresses.resolver = Resolver::Scripted(Arc::new(|| Box::pin(std::future::pending())));
        addresses.none_answered();
        assert_eq!(used(&addresses, start + INTERVAL).await, [ADDRESS]);
    });
}

#[test]
fn a_look_up_that_dies_is_a_failure_not_a_hang() {
    run(async {
        let resolver = Resolver::Scripted(Arc::new(|| Box::pin(async { panic!("a bug in the resolver") })));
        let addresses = Addresses { resolver, ..Addresses::default() };
        assert_eq!(addresses.look_up(&named()).await.unwrap_err().kind, Failure::Dns);
    });
}

#[test]
fn an_address_needs_no_look_up() {
    for (url, known) in [("http://127.0.0.1:1", "127.0.0.1:1"), ("https://[::1]", "[::1]:443")] {
        let target = Target::parse("t", url).unwrap();
        let addresses = Addresses::new(LookUps::Every(INTERVAL));
        let start = Instant::now();
        let expected = [known.parse::<SocketAddr>().unwrap()];
        assert_eq!(*addresses.known(&target, start).unwrap(), expected);
        addresses.none_answered();
        // Outside a runtime nothing could be begun.
        assert_eq!(*addresses.known(&target, start + INTERVAL * 2).unwrap(), expected);
    }
    assert!(Addresses::default().known(&named(), Instant::now()).is_none());
}
