//! The run as a straight line: wait until ready, start the workers, merge what they ship, pass orders on,
//! come to an end.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::compile::model::{CompiledPlan, SeriesInfo};
use crate::http::{Connector, TlsClient};
use crate::metric::{LoadWindow, Recorder, ScenarioCounts, SeriesKind, Totals};
use crate::threshold::{Broken, Watch};

use super::by_hand::{ByHand, Change, Command, Commands, Hand, Hands};
use super::events::{Event, Outcome, Seen, Stopped};
use super::interval::{Closed, Gathering, IntervalSummary};
use super::signals::Signals;
use super::worker::{Order, Shipment, Worker};
use super::{Shared, health, ready};

/// What is decided outside the plan.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Seed of picks, rows and random values.
    pub seed: u64,
    /// Id of the run, `run.id` in templates.
    pub run_id: String,
    /// Worker threads.
    pub workers: usize,
    /// Where every exchange is told to, for a look at single iterations: entries then take turns. `None` for load.
    pub trace: Option<super::Trace>,
    /// Where every single request is logged to, if anywhere.
    pub samples: Option<super::SampleLog>,
}

/// Stack of a worker, taken only as far as it is used: the blocks, macros and files of a template descend, and 100
/// levels of blocks take nearly 2 MiB in a debug build.
const STACK: usize = 8 << 20;

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No runtime or thread.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// TLS is needed and could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::http::TlsError),
    /// The machine cannot make the load.
    #[error(transparent)]
    Preflight(#[from] super::PreflightError),
}

/// Runs a compiled plan to its end, and does what a person asks for meanwhile.
///
/// # Errors
/// When the engine itself cannot start; whatever happens later is part of the outcome.
pub fn run(
    plan: Arc<CompiledPlan>,
    options: RunOptions,
    mut commands: Commands,
    listen: &mut dyn FnMut(Event<'_>),
) -> Result<Outcome, EngineError> {
    let descriptors = super::preflight::preflight(&plan, options.workers)?;
    super::preflight::without_a_way(&plan).iter().for_each(|words| listen(Event::Warning(words)));
    let tls = plan.targets.iter().any(|target| target.tls).then(|| TlsClient::new(&plan.tls)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        let mut totals = Totals::new(plan.series.len(), plan.scenarios.len());
        let watch = plan.watch();
        if let Some(checks) = &plan.ready {
            listen(Event::Waiting);
            listen(Event::SoFar(&|| {
                Outcome::before_start(Stopped::Unfinished, totals.clone(), watch.findings(), vec![])
            }));
            let mut recorder = Recorder::new(plan.series.len(), plan.scenarios.len());
            let connector = Connector::new(tls.clone())
                .connecting_from(plan.local_addresses.clone(), 0)
                .allowing(plan.allowed_hosts.clone());
            let mut by_hand = vec![];
            let stopped = {
                let ready = ready::wait(&plan, checks, &connector, &mut recorder);
                tokio::pin!(ready);
                loop {
                    tokio::select! {
                        done = &mut ready => {
                            break done.err().map(|why| Stopped::Failed(plan.masker.mask(&why).into_owned()));
                        }
                        () = signals.next() => break Some(Stopped::Interrupted),
                        command = commands.next() => {
                            if command == Command::End {
                                by_hand.push(ByHand { at: Duration::ZERO, change: Change::End });
                                break Some(Stopped::Interrupted);
                            }
                            listen(Event::Refused("the load has not begun"));
                        }
                    }
                }
            };
            totals.add(&recorder);
            if let Some(stopped) = stopped {
                return Ok(Outcome::before_start(stopped, totals, watch.findings(), by_hand));
            }
        }
        let shared = Arc::new(Shared::new(plan.clone(), options, Instant::now()));
        listen(Event::Started);
        let hands = Hands::new(plan.clone(), descriptors);
        let mut run = Run::start(&shared, tls, totals, watch, hands)?;
        listen(Event::SoFar(&|| run.so_far(&shared)));
        run.follow(&shared, &mut signals, &mut commands, listen).await;
        Ok(run.outcome(&shared))
    });
    // A name look-up that still runs must not hold up the end.
    runtime.shutdown_background();
    outcome
}

/// A run that goes on.
struct Run {
    started_at: jiff::Timestamp,
    monitor: health::Monitor,
    workers: Vec<std::thread::JoinHandle<std::io::Result<()>>>,
    shipments: mpsc::UnboundedReceiver<Shipment>,
    orders: watch::Sender<Order>,
    hands: Hands,
    hand: watch::Sender<Hand>,
    totals: Totals,
    gathering: Gathering,
    timeline: Vec<IntervalSummary>,
    watch: Watch,
    aborted: Option<Broken>,
    signals_seen: usize,
    /// A worker that did not end in time is not waited for.
    left_behind: bool,
}

impl Run {
    fn start(
        shared: &Arc<Shared>,
        tls: Option<TlsClient>,
        totals: Totals,
        watch: Watch,
        hands: Hands,
    ) -> std::io::Result<Self> {
        let monitor = health::Monitor::start(shared.start, shared.options.workers)?;
        let (ship, shipments) = mpsc::unbounded_channel();
        let (orders, follow) = watch::channel(Order::Run);
        let (hand, held) = watch::channel(Hand::default());
        let mut workers = vec![];
        for index in 0..shared.options.workers {
            let worker = Worker {
                shared: shared.clone(),
                index,
                connector: Connector::new(tls.clone())
                    .connecting_from(shared.plan.local_addresses.clone(), index)
                    .allowing(shared.plan.allowed_hosts.clone()),
                ship: ship.clone(),
                orders: follow.clone(),
                hand: held.clone(),
            };
            let thread = std::thread::Builder::new().name(health::worker_name(index)).stack_size(STACK);
            workers.push(thread.spawn(move || worker.run())?);
        }
        let rows = &shared.plan.series;
        let shown_in = |(own, row): (usize, &SeriesInfo)| row.measured.map_or(own, |row| row.0 as usize);
        let shown_in = rows.iter().enumerate().map(shown_in).collect();
        let kinds = rows.iter().map(|row| row.kind).collect();
        Ok(Self {
            started_at: jiff::Timestamp::now(),
            monitor,
            workers,
            shipments,
            orders,
            hands,
            hand,
            totals,
            gathering: Gathering::new(kinds, shown_in),
            timeline: vec![],
            watch,
            aborted: None,
            signals_seen: 0,
            left_behind: false,
        })
    }

    async fn follow(
        &mut self,
        shared: &Shared,
        signals: &mut Signals,
        commands: &mut Commands,
        listen: &mut dyn FnMut(Event<'_>),
    ) {
        /// After the order to end at once, a worker that does not is left behind.
        const PATIENCE: Duration = Duration::from_millis(800);
        let mut give_up = None;
        loop {
            let too_late = async {
                match give_up {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                shipment = self.shipments.recv() => match shipment {
                    Some(shipment) => {
                        if let Some(broken) = self.take(shared, shipment, listen) {
                            self.abort(broken, listen);
                        }
                    }
                    None => break,
                },
                () = signals.next() => {
                    if self.signals_seen == 0 {
                        self.drain(listen);
                    } else {
                        self.orders.send_replace(Order::Abandon);
                        give_up.get_or_insert(tokio::time::Instant::now() + PATIENCE);
                        listen(Event::Abandoning);
                    }
                }
                command = commands.next() => self.obey(command, shared.start.elapsed(), listen),
                () = too_late => {
                    self.left_behind = true;
                    break;
                }
            }
        }
        // A threshold that breaks only here has nothing left to end.
        let _ = self.close_seconds(shared, u64::MAX, listen);
    }

    /// After the first signal, or as if it had come.
    fn drain(&mut self, listen: &mut dyn FnMut(Event<'_>)) {
        self.signals_seen += 1;
        self.hands.end();
        self.orders.send_replace(Order::Drain);
        listen(Event::Stopping);
    }

    /// Does what a person asks for, or says why not.
    fn obey(&mut self, command: Command, at: Duration, listen: &mut dyn FnMut(Event<'_>)) {
        match self.hands.follow(command, at) {
            Ok(changed) => {
                self.hand.send_replace(self.hands.hand());
                listen(Event::Changed(changed));
                if changed.change == Change::End {
                    self.drain(listen);
                }
            }
            Err(why) => listen(Event::Refused(&why)),
        }
    }

    /// Ends the run for a threshold, unless it is ending by a signal already.
    fn abort(&mut self, broken: Broken, listen: &mut dyn FnMut(Event<'_>)) {
        if self.signals_seen == 0 {
            listen(Event::Aborting(broken));
            self.hands.end();
            self.orders.send_replace(Order::Drain);
            self.aborted = Some(broken);
        }
    }

    /// Merges what a worker shipped; a threshold that asks for the end.
    fn take(
        &mut self,
        shared: &Shared,
        shipment: Shipment,
        listen: &mut dyn FnMut(Event<'_>),
    ) -> Option<Broken> {
        /// A second not shipped by all workers after this many more is shown without the missing ones.
        const LATE: u64 = 5;
        let Shipment { second, users, mut recorder, last, back } = shipment;
        self.gathering.add(second, users, &recorder);
        if Duration::from_secs(second + 1) <= shared.plan.measured_from() {
            recorder.forget_lateness();
        }
        self.totals.add(&recorder);
        self.watch.add(second, &recorder);
        if last {
            self.gathering.end_of_worker(second);
        }
        recorder.clear();
        // A worker that has ended needs no recorder back.
        let _ = back.send(recorder);
        let closed = self.timeline.len();
        let broken = self.close_seconds(shared, second.saturating_sub(LATE), listen);
        // Whole seconds only: with a part of the workers' the totals would not belong together.
        if self.timeline.len() > closed {
            listen(Event::SoFar(&|| self.so_far(shared)));
        }
        broken
    }

    fn close_seconds(
        &mut self,
        shared: &Shared,
        force_before: u64,
        listen: &mut dyn FnMut(Event<'_>),
    ) -> Option<Broken> {
        const SHORTEST_S: f64 = 0.1;
        let mut broken = None;
        while let Some(closed) = self.gathering.take(shared.options.workers, force_before) {
            let Closed { second, users, due, total, rows, pace } = closed;
            let due = shared.plan.is_open().then_some(due);
            let end = Duration::from_secs(second + 1);
            let length_s =
                shared.start.elapsed().saturating_sub(Duration::from_secs(second)).as_secs_f64().min(1.0);
            // Arrivals bring as many users as they need.
            let wanted = self.hands.target_users(end);
            let target_users = if shared.plan.is_open() { wanted.max(users) } else { wanted };
            let loads = shared.load_windows();
            let mut summary = IntervalSummary {
                at_s: second + 1,
                length_s,
                load_s: 0.0,
                load_s_of: Box::default(),
                users,
                target_users,
                due,
                total,
                rows,
                pace,
            };
            summary.reckon(&loads);
            // What the end of the run leaves of a second in which nothing happened is no point of a curve.
            if length_s >= SHORTEST_S || summary.total.requests > 0 {
                let health = self.monitor.latest();
                listen(Event::Second(Seen {
                    second: &summary,
                    totals: &self.totals,
                    watch: &self.watch,
                    loads: &loads,
                    health: health.as_ref(),
                    more_users: self.hands.more_users(),
                    is_paused: self.hands.hand().paused,
                }));
                self.timeline.push(summary);
            }
            if self.hands.was_paused(Duration::from_secs(second)..end) {
                self.watch.hold(second);
            }
            broken = broken.or(self.watch.close(second, length_s, self.is_ending(shared), &loads));
        }
        broken
    }

    /// Whether users are asked to end before the load does.
    fn is_ending(&self, shared: &Shared) -> bool {
        self.signals_seen > 0 || self.aborted.is_some() || shared.asked_to_end().is_some()
    }

    fn so_far(&self, shared: &Shared) -> Outcome {
        let mut totals = self.totals.clone();
        totals.scenarios.iter_mut().for_each(ScenarioCounts::settle);
        let duration = shared.start.elapsed();
        Outcome {
            stopped: Stopped::Unfinished,
            started_at: self.started_at,
            by_hand: self.hands.changes(duration),
            data_end: shared.data_end(),
            duration,
            totals,
            timeline: self.timeline.clone(),
            loads: until(shared.load_windows(), duration),
            resources: health::Resources::read(),
            health: self.monitor.so_far(),
            findings: self.watch.findings(),
        }
    }

    fn outcome(mut self, shared: &Shared) -> Outcome {
        // A worker that was left behind has told nothing of what it still had.
        self.totals.scenarios.iter_mut().for_each(ScenarioCounts::settle);
        let duration = shared.start.elapsed();
        let mut failed = shared.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        for worker in self.workers {
            if self.left_behind && !worker.is_finished() {
                continue;
            }
            match worker.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    failed = failed.or(Some(Stopped::Failed(format!("a worker could not start: {error}"))))
                }
                Err(_) => {
                    failed = failed
                        .or(Some(Stopped::Failed("a worker panicked; this is a bug in plimsoll".into())))
                }
            }
        }
        let stopped = match (failed, self.aborted) {
            (Some(stopped), _) => stopped,
            (None, Some(broken)) => Stopped::Aborted(broken),
            (None, None) if self.signals_seen > 0 => Stopped::Interrupted,
            (None, None) if nobody_got_in(shared, &self.totals) => {
                Stopped::Failed("auth is impossible: not one login worked; the auth rows say why".into())
            }
            (None, None) => Stopped::Completed,
        };
        let loads = until(shared.load_windows(), duration);
        // The end of a fixed amount of work is known only now.
        self.timeline.iter_mut().for_each(|second| second.reckon(&loads));
        Outcome {
            stopped,
            started_at: self.started_at,
            duration,
            totals: self.totals,
            timeline: self.timeline,
            loads,
            findings: self.watch.findings(),
            resources: health::Resources::read(),
            health: self.monitor.finish(),
            by_hand: self.hands.changes(duration),
            data_end: shared.data_end(),
        }
    }
}

/// The loads as far as the run has come.
fn until(loads: Vec<LoadWindow>, end: Duration) -> Vec<LoadWindow> {
    loads.into_iter().map(|load| load.until(end.as_secs_f64())).collect()
}

/// Whether logins were tried and none worked, in a run too short to give up on them.
fn nobody_got_in(shared: &Shared, totals: &Totals) -> bool {
    shared.scenarios.iter().enumerate().any(|(scenario, state)| {
        let is_auth = |row: &SeriesInfo| row.scenario == scenario && row.kind == SeriesKind::Auth;
        let mut rows = shared.plan.series.iter().zip(&totals.series).filter(|(row, _)| is_auth(row));
        rows.any(|(_, total)| total.failures() > 0) && !state.logged_in.load(Ordering::Relaxed)
    })
}
