//! Logging in: by each user, or once for the run with one refresh at a time while the others wait.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use minijinja::Value;

use crate::compile::model::Auth;
use crate::failure::Failure;
use crate::template::with_rng;

use super::ScenarioState;
use super::judge::{Problem, without_value};
use super::login::Login;
use super::stop::Level;
use super::user::User;

/// Pause after a renewal that failed.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

/// Failed logins of one user after which a run in which none has worked is given up.
const HOPELESS: u64 = 3;

/// The login of the run.
#[derive(Debug, Default)]
pub struct RunAuth {
    generation: AtomicU64,
    login: Mutex<Option<Login>>,
    /// Held by the one that logs in.
    gate: tokio::sync::Mutex<()>,
}

impl RunAuth {
    fn current(&self) -> Option<Login> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Pause between two logins of a user.
const LOGIN_PAUSE: Duration = Duration::from_secs(1);
/// Logins a user tries in a load of a fixed amount of work, which must come to an end.
const LOGIN_TRIES: u32 = 5;

impl User {
    fn state(&self) -> &ScenarioState {
        &self.local.shared.scenarios[self.scenario]
    }

    /// Logs in, again and again if need be; false when that is no use any more.
    pub(super) async fn come_in(&mut self) -> bool {
        if self.plan().auth.is_none() {
            return true;
        }
        let mut tries = 0;
        while !Box::pin(self.log_in()).await {
            tries += 1;
            let fixed_work = self.plan().load.planned().is_none();
            if fixed_work && tries >= LOGIN_TRIES {
                return false;
            }
            // At a pace that does not storm the auth service.
            self.stop.unless(Level::AfterIteration, tokio::time::sleep(LOGIN_PAUSE)).await;
            if self.stop.level() != Level::Run {
                return false;
            }
        }
        true
    }

    /// Logs in unless it is; for users whose next arrival will not wait for a second try.
    pub(super) async fn come_in_once(&mut self) -> bool {
        if self.plan().auth.is_none() || self.login.is_some() || Box::pin(self.log_in()).await {
            return true;
        }
        self.stop.unless(Level::AfterIteration, tokio::time::sleep(LOGIN_PAUSE)).await;
        false
    }

    /// Logs in, or takes the run's login; whether there is a valid one now.
    pub(super) async fn log_in(&mut self) -> bool {
        let began = Instant::now();
        // The login is nobody's latency but its own: what waits for it is due that much later.
        let intended = self.intended.take();
        let done = self.log_in_now().await;
        self.intended = intended.map(|at| at + began.elapsed());
        done
    }

    async fn log_in_now(&mut self) -> bool {
        let local = self.local.clone();
        let Some(auth) = &local.shared.plan.scenarios[self.scenario].auth else { return true };
        if !auth.shared {
            return self.run_login(auth).await;
        }
        let run = &local.shared.scenarios[self.scenario].run_auth;
        let mine = self.login.as_ref().map_or(0, |login| login.generation);
        let mut gate = None;
        let wait = async { gate = Some(run.gate.lock().await) };
        if !self.stop.unless(Level::AfterRequest, wait).await {
            return false;
        }
        if run.generation.load(Ordering::Acquire) > mine {
            return self.adopt(auth, run.current());
        }
        let done = self.run_login(auth).await;
        // A renewal that failed is passed on too, as the old login with its pause: one try for all users.
        if let Some(login) = &mut self.login {
            login.generation = mine + 1;
            login.renewal_failed = !done;
            *run.login.lock().unwrap_or_else(PoisonError::into_inner) = Some(login.clone());
            run.generation.store(mine + 1, Ordering::Release);
        }
        done
    }

    /// Whether the login is older than the plan wants, or the run has a newer one.
    pub(super) fn is_login_due(&self) -> bool {
        let Some(login) = &self.login else { return false };
        login.generation < self.state().run_auth.generation.load(Ordering::Relaxed)
            || login.renew_at.is_some_and(|at| Instant::now() >= at)
    }

    fn adopt(&mut self, auth: &Auth, login: Option<Login>) -> bool {
        if let Some(login) = &login {
            self.scope.set(auth.slot, login.value());
        }
        let works = login.as_ref().is_some_and(|login| !login.renewal_failed);
        self.login = login;
        works
    }

    async fn run_login(&mut self, auth: &Auth) -> bool {
        let before = self.login.take();
        self.login = Some(Login::begun(before.as_ref()));
        if let Err(why) = self.introduce(auth) {
            return self.login_failed(auth, before, &why);
        }
        for (index, step) in auth.steps.iter().enumerate() {
            // A renewal belongs to a request that runs; a first login belongs to nothing yet.
            if index > 0 && before.is_none() && self.stop.level() >= Level::AfterRequest {
                self.login = None;
                return false;
            }
            if let Err(problem) = self.send_once(step, Instant::now(), false).await {
                let why = match problem {
                    Problem::Failed(kind, words) => format!("{} ({})", kind.name(), without_value(&words)),
                    Problem::NeedsLogin(_) => Failure::Status.name().to_owned(),
                };
                return self.login_failed(auth, before, &why);
            }
        }
        match self.prepare(auth) {
            Ok(()) => {
                self.state().logged_in.store(true, Ordering::Relaxed);
                true
            }
            Err(why) => self.login_failed(auth, before, &why),
        }
    }

    /// Always false: there is no new login.
    fn login_failed(&mut self, auth: &Auth, before: Option<Login>, why: &str) -> bool {
        self.go_back_to(auth, before);
        self.note_failed_login(auth, why);
        false
    }

    /// A login that failed half-way leaves none of its values behind: the old ones still belong together.
    fn go_back_to(&mut self, auth: &Auth, before: Option<Login>) {
        self.login = before;
        if let Some(login) = &mut self.login {
            self.scope.set(auth.slot, login.value());
            // Not before every request: a broken auth service is not helped by a storm.
            login.renew_at = login.renew_at.and(Instant::now().checked_add(RENEWAL_PAUSE));
        }
    }

    /// Gives the run up when one user, or the run's one login, has failed again and again and nobody ever got in.
    fn note_failed_login(&mut self, auth: &Auth, why: &str) {
        let shared = &self.local.shared;
        let state = &shared.scenarios[self.scenario];
        let failed = if auth.shared {
            state.failed_logins.fetch_add(1, Ordering::Relaxed) + 1
        } else {
            self.failed_logins += 1;
            self.failed_logins
        };
        if failed >= HOPELESS && !state.logged_in.load(Ordering::Relaxed) {
            let why = shared.plan.masker.mask(why).into_owned();
            shared.fail(format!(
                "auth is impossible: {failed} logins in a row failed and none ever worked; the last: {why}"
            ));
        }
    }

    /// A value an auth step captured: in scope at once, for the next step.
    pub(super) fn keep_auth_value(&mut self, name: &Arc<str>, value: Value) {
        let slot = self.plan().auth.as_ref().map(|auth| auth.slot);
        if let (Some(login), Some(slot)) = (&mut self.login, slot) {
            login.values.insert(name.clone(), value);
            login.masker = Arc::default();
            self.scope.set(slot, login.value());
        }
    }

    /// Renders once what the login adds to every request.
    fn prepare(&mut self, auth: &Auth) -> Result<(), String> {
        let (rng, scope) = (&mut self.rng, &self.scope);
        match &mut self.login {
            Some(login) => with_rng(rng, || login.prepare(auth, scope)),
            None => Ok(()),
        }
    }

    /// Puts into scope what the token request says about its client.
    fn introduce(&mut self, auth: &Auth) -> Result<(), String> {
        let (rng, scope) = (&mut self.rng, &self.scope);
        match (&mut self.login, &auth.client) {
            (Some(login), Some(client)) => with_rng(rng, || login.introduce(client, scope)),
            _ => Ok(()),
        }
    }
}
