//! Watches the whole process from a thread of its own: once a second what the system counts, and in between whether
//! even a thread without work is held up. Judges nothing.

use std::ops::Range;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::proc::Scheduled;
use super::stall::STALL;
use super::system::{self, CpuGroup};

/// Pause between two looks at the clock.
const EVERY: Duration = Duration::from_millis(20);
/// Gaps kept; more of them say nothing new.
const MOST_GAPS: usize = 1000;
/// Beginning of the names of workers' threads; the kernel keeps 15 bytes of a name.
const WORKER: &str = "worker-";

/// Name of a worker's thread, by which its share is found again.
pub fn worker_name(index: usize) -> String {
    format!("{WORKER}{index}")
}

/// What the process used in one second, more when the watch itself was held up. Absent where the system does not say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HealthSecond {
    /// Begin, seconds from the start of the load.
    pub from_s: f64,
    /// End.
    pub to_s: f64,
    /// CPU time of all threads over that of the cores allowed.
    pub cpu_share: Option<f64>,
    /// CPU time of each worker over the time that passed; empty once the workers have ended.
    pub worker_cpu_share: Vec<f64>,
    /// Time each worker waited for a core, over the time that passed; `None` for one that has ended.
    pub worker_queued_share: Vec<Option<f64>>,
    /// Time the control group was held back.
    pub throttled_us: Option<u64>,
    /// Open file descriptors at its end.
    pub fds: Option<u64>,
    /// TCP sockets of the network namespace that hold a port, at its end.
    pub tcp_sockets: Option<u64>,
    /// Resident memory at its end.
    pub rss_bytes: Option<u64>,
}

impl HealthSecond {
    /// How long it is, seconds.
    pub fn length_s(&self) -> f64 {
        self.to_s - self.from_s
    }

    /// Time the workers waited for a core, over the time that passed, mean of all that run.
    pub fn queued_share(&self) -> Option<f64> {
        let running = || self.worker_queued_share.iter().flatten();
        (running().count() > 0).then(|| running().sum::<f64>() / running().count() as f64)
    }

    /// How much of it lies in a span, seconds.
    pub fn inside_s(&self, span_s: &Range<f64>) -> f64 {
        (self.to_s.min(span_s.end) - self.from_s.max(span_s.start)).max(0.0)
    }
}

/// Mean over time of seconds, each with as much of it as counts; where the value is unknown it does not count.
pub fn mean_over_time<'a>(
    seconds: impl Iterator<Item = (&'a HealthSecond, f64)>,
    of: impl Fn(&HealthSecond) -> Option<f64>,
) -> Option<f64> {
    let known = seconds.filter(|(_, s)| *s > 0.0).filter_map(|(second, s)| Some((of(second)?, s)));
    let (sum, time_s) = known.fold((0.0, 0.0), |(sum, all_s), (value, s)| (sum + value * s, all_s + s));
    (time_s > 0.0).then(|| sum / time_s)
}

/// What was seen of the process over a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Cores the process may use.
    pub allowed_cores: f64,
    /// By second.
    pub seconds: Vec<HealthSecond>,
    /// Times in which not even the watch ran although it was due, in seconds from the start of the load.
    pub gaps_s: Vec<(f64, f64)>,
}

/// The watch.
#[derive(Debug)]
pub struct Monitor {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
    seen: Arc<Mutex<Observed>>,
}

impl Monitor {
    /// Begins to watch. `start` is the start of the load.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(start: Instant, workers: usize) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new().name("health".into());
        let seen = Arc::new(Mutex::new(Observed::default()));
        let kept = seen.clone();
        let thread = thread.spawn(move || watch(start, workers, &stopped, &kept))?;
        Ok(Self { stop, thread, seen })
    }

    /// What was seen so far.
    pub fn so_far(&self) -> Observed {
        locked(&self.seen).clone()
    }

    /// The last second that was looked at.
    pub fn latest(&self) -> Option<HealthSecond> {
        locked(&self.seen).seconds.last().cloned()
    }

    /// Ends it: what was seen.
    pub fn finish(self) -> Observed {
        drop(self.stop);
        // Should it have panicked, what it saw until then stands.
        let _ = self.thread.join();
        std::mem::take(&mut locked(&self.seen))
    }
}

fn locked(seen: &Mutex<Observed>) -> MutexGuard<'_, Observed> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch(start: Instant, workers: usize, stopped: &mpsc::Receiver<()>, seen: &Mutex<Observed>) {
    let group = CpuGroup::find();
    let allowed_cores = system::allowed_cores(&group);
    locked(seen).allowed_cores = allowed_cores;
    let mut before = Reading::take(start, workers, &group);
    loop {
        let due = Instant::now() + EVERY;
        let ended = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
        let lag = Instant::now().saturating_duration_since(due);
        if lag >= STALL {
            let to_s = start.elapsed().as_secs_f64();
            let gaps_s = &mut locked(seen).gaps_s;
            if gaps_s.len() < MOST_GAPS {
                gaps_s.push((to_s - lag.as_secs_f64(), to_s));
            }
        }
        if ended || start.elapsed().as_secs_f64() >= before.at_s.floor() + 1.0 {
            let now = Reading::take(start, workers, &group);
            locked(seen).seconds.push(now.since(&before, allowed_cores));
            before = now;
        }
        if ended {
            return;
        }
    }
}

/// What the system has counted up to a moment.
#[derive(Debug, Default)]
struct Reading {
    at_s: f64,
    /// CPU time of all threads, ended ones included.
    cpu_ns: Option<u64>,
    workers: Vec<Option<Scheduled>>,
    throttled_us: Option<u64>,
    fds: Option<u64>,
    tcp_sockets: Option<u64>,
    rss_bytes: Option<u64>,
}

impl Reading {
    fn take(start: Instant, workers: usize, group: &CpuGroup) -> Self {
        let threads = system::threads();
        let mut by_worker = vec![None; workers];
        for (name, seen) in threads {
            let worker = name.strip_prefix(WORKER).and_then(|number| number.parse::<usize>().ok());
            if let Some(slot) = worker.and_then(|worker| by_worker.get_mut(worker)) {
                *slot = Some(seen);
            }
        }
        Self {
            at_s: start.elapsed().as_secs_f64(),
            cpu_ns: system::cpu_ns(),
            workers: by_worker,
            throttled_us: group.throttled_us(),
            fds: system::open_fds(),
            tcp_sockets: system::tcp_sockets(),
            rss_bytes: system::rss_bytes(),
        }
    }

    /// What happened between `before` and this.
    fn since(&self, before: &Self, allowed_cores: f64) -> HealthSecond {
        let length_ns = (self.at_s - before.at_s) * 1e9;
        let share = |now: u64, then: u64| now.saturating_sub(then) as f64 / length_ns;
        // One that just began has used nothing before; one that has ended while others go on counts as idle.
        let pairs: Vec<_> = self
            .workers
            .iter()
            .zip(&before.workers)
            .map(|(now, then)| now.map(|now| (now, then.unwrap_or_default())))
            .collect();
        let is_known = length_ns > 0.0 && pairs.iter().any(Option::is_some);
        let by_worker = if is_known { &pairs[..] } else { &[] };
        let cpu = self.cpu_ns.zip(before.cpu_ns).map(|(now, then)| share(now, then));
        HealthSecond {
            from_s: before.at_s,
            to_s: self.at_s,
            cpu_share: cpu.filter(|_| length_ns > 0.0 && allowed_cores > 0.0).map(|cpu| cpu / allowed_cores),
            worker_cpu_share: by_worker
                .iter()
                .map(|pair| pair.map_or(0.0, |(now, then)| share(now.cpu_ns, then.cpu_ns)))
                .collect(),
            worker_queued_share: by_worker
                .iter()
                .map(|pair| pair.map(|(now, then)| share(now.queued_ns, then.queued_ns)))
                .collect(),
            throttled_us: self
                .throttled_us
                .zip(before.throttled_us)
                .map(|(now, then)| now.saturating_sub(then)),
            fds: self.fds,
            tcp_sockets: self.tcp_sockets,
            rss_bytes: self.rss_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at_s: f64, all: u64, workers: &[Option<(u64, u64)>]) -> Reading {
        let scheduled = |(cpu_ns, queued_ns)| Scheduled { cpu_ns, queued_ns };
        Reading {
            at_s,
            cpu_ns: Some(all),
            workers: workers.iter().map(|worker| worker.map(scheduled)).collect(),
            throttled_us: Some(all / 1000),
            ..Reading::default()
        }
    }

    #[test]
    fn a_second_is_the_difference_of_two_readings() {
        let before = reading(1.0, 500_000_000, &[Some((100_000_000, 0)), None]);
        let after = reading(3.0, 2_500_000_000, &[Some((1_100_000_000, 400_000_000)), Some((0, 0))]);
        let second = after.since(&before, 2.0);
        assert_eq!((second.from_s, second.to_s), (1.0, 3.0));
        // 2 s of CPU in 2 s on 2 cores.
        assert_eq!(second.cpu_share, Some(0.5));
        assert_eq!(second.worker_cpu_share, [0.5, 0.0]);
        assert_eq!(second.queued_share(), Some(0.1));
        assert_eq!(second.throttled_us, Some(2_000_000));
        assert_eq!((second.fds, second.rss_bytes), (None, None));
    }

    #[test]
    fn what_the_system_does_not_say_is_absent() {
        let nothing = Reading { at_s: 1.0, workers: vec![None], ..Reading::default() };
        let second = nothing.since(&Reading { workers: vec![None], ..Reading::default() }, 1.0);
        assert_eq!((second.cpu_share, second.queued_share(), second.throttled_us), (None, None, None));
    }
}
