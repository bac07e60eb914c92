//! What the fuzz targets share: a fixed seed, `PROPTEST_CASES` for more cases, and how much memory and CPU time a case
//! may take, counted for its own thread, so that a busy machine cannot fail it.
#![allow(dead_code, reason = "each target uses its part")]
#![allow(unsafe_code, reason = "an allocator can only be written with it; it forwards to the system's")]

pub mod grammar;
pub mod values;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Debug;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// CPU time of a case: 1 s is what is promised, and a debug build takes some times as long.
pub const LONGEST: Duration = Duration::from_secs(5);
/// Memory of a case.
pub const MOST_BYTES: isize = 100 << 20;

/// Runs `test` on so many cases, or on `PROPTEST_CASES`. The cases are the same each time.
pub fn run<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value)) {
    run_large(cases, 1, strategy, test);
}

/// The same where a case is worth many.
pub fn run_large<S: Strategy>(cases: u32, worth: u32, strategy: &S, test: impl Fn(S::Value)) {
    let config = Config { failure_persistence: None, ..Config::default() };
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if is_asked { config.cases.div_ceil(worth) } else { cases };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { cases, ..config }, rng);
    let result = runner.run(strategy, |value| {
        test(value);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Does `work`, which must stay within bounds; `what` it is.
#[track_caller]
pub fn bounded<T>(what: impl Debug, work: impl FnOnce() -> T) -> T {
    let before = cpu_time();
    let (done, bytes) = peak(work);
    if let (Some(before), Some(after)) = (before, cpu_time()) {
        assert!(after - before < LONGEST, "took {:?} of CPU: {what:?}", after - before);
    }
    assert!(bytes < MOST_BYTES, "took {} MiB: {what:?}", bytes >> 20);
    done
}

/// CPU time of this thread. `None` where Linux is not.
pub fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// What `work` gives, and the most memory it held at once, bytes.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = LIVE.get();
    PEAK.set(before);
    let done = work();
    (done, PEAK.get() - before)
}

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    // A thread that ends frees memory after its variables are gone.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
