//! The embedded demo target: a small TempoNest — auth, agents and RAG services on loopback — to try plans
//! against. It knows nothing of the engine or of plans, prints nothing, and keeps bounded memory.

use std::collections::BTreeMap;
use std::time::Duration;

use thiserror::Error;

mod agents;
mod answer;
mod auth;
mod chance;
mod corpus;
mod counters;
mod delay;
mod id;
mod rag;
mod runs;
mod search;
mod serve;
mod store;
#[cfg(test)]
mod tests;
mod token;

use chance::Chance;
use serve::{Listening, Site};
use token::Tokens;

/// How the demo platform behaves; [`Default`] is the real platform's ports at normal speed without errors.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Port of the auth service; 0 takes a free one.
    pub auth_port: u16,
    /// Port of the agents service; 0 takes a free one.
    pub agents_port: u16,
    /// Port of the RAG service; 0 takes a free one.
    pub rag_port: u16,
    /// Seed of every delay, id and injected error.
    pub seed: u64,
    /// Factor on every delay: 1.0 is the designed speed, 0.0 answers at once.
    pub slow: f64,
    /// Share (0.0..=1.0) of agents and RAG responses turned into 500 or 503; `/health` is spared.
    pub error_rate: f64,
    /// Life of an access token in seconds.
    pub token_ttl_s: u64,
}

impl Default for DemoOptions {
    fn default() -> DemoOptions {
        DemoOptions {
            auth_port: 9002,
            agents_port: 9000,
            rag_port: 9003,
            seed: 1,
            slow: 1.0,
            error_rate: 0.0,
            token_ttl_s: 600,
        }
    }
}

impl DemoOptions {
    /// The defaults on three free ports, for tests that run side by side.
    pub fn on_free_ports() -> DemoOptions {
        DemoOptions { auth_port: 0, agents_port: 0, rag_port: 0, ..DemoOptions::default() }
    }
}

/// Why the demo platform did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DemoError {
    /// Another process listens there.
    #[error("port {port} is already in use: the demo's {service} service cannot listen on it")]
    PortInUse {
        /// The taken port.
        port: u16,
        /// Which service wanted it.
        service: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Any other reason a port could not be opened.
    #[error("cannot listen on port {port} for the demo's {service} service")]
    Listen {
        /// The port asked for.
        port: u16,
        /// Which service wanted it.
        service: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// `slow` or `error_rate` is outside its range.
    #[error("demo option {option} must be {wanted}, got {got}")]
    Option {
        /// The field's name.
        option: &'static str,
        /// The range in words.
        wanted: &'static str,
        /// The refused value.
        got: f64,
    },
}

/// One of the demo's three services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Registration, login, tokens (TempoNest's port 9002).
    Auth,
    /// Agents and their runs (port 9000).
    Agents,
    /// Document search (port 9003).
    Rag,
}

impl Service {
    /// The name used in counters and messages.
    pub fn name(self) -> &'static str {
        match self {
            Service::Auth => "auth",
            Service::Agents => "agents",
            Service::Rag => "rag",
        }
    }
}

/// The running platform; dropping it stops all three services.
pub struct Demo {
    auth: Listening,
    agents: Listening,
    rag: Listening,
}

impl Demo {
    /// Binds 127.0.0.1 and spawns three accept loops on the current tokio runtime (any flavour).
    ///
    /// # Errors
    /// A port in use or refused by the system; an option out of range. Nothing keeps running then.
    pub async fn start(options: DemoOptions) -> Result<Demo, DemoError> {
        check(&options)?;
        let auth_port = serve::bind(Service::Auth, options.auth_port).await?;
        let agents_port = serve::bind(Service::Agents, options.agents_port).await?;
        let rag_port = serve::bind(Service::Rag, options.rag_port).await?;

        let tokens = Tokens::new(Duration::from_secs(options.token_ttl_s));
        let search = rag::search(&options, tokens.clone());
        let auth = Site {
            service: Service::Auth,
            routes: auth::ROUTES,
            router: auth::router(&options, tokens.clone()),
            // A platform that cannot log anyone in shows nothing else, so auth never fails on purpose.
            errors: Chance::new(0.0, options.seed),
        };
        let agents = Site {
            service: Service::Agents,
            routes: agents::ROUTES,
            router: agents::router(&options, tokens, search.clone()),
            errors: Chance::new(options.error_rate, options.seed ^ 1),
        };
        let rag = Site {
            service: Service::Rag,
            routes: rag::ROUTES,
            router: rag::router(search),
            errors: Chance::new(options.error_rate, options.seed ^ 2),
        };
        Ok(Demo {
            auth: auth.listen(auth_port),
            agents: agents.listen(agents_port),
            rag: rag.listen(rag_port),
        })
    }

    /// Base URL of the auth service, e.g. `http://127.0.0.1:9002`.
    pub fn auth_url(&self) -> String {
        self.auth.url()
    }

    /// Base URL of the agents service.
    pub fn agents_url(&self) -> String {
        self.agents.url()
    }

    /// Base URL of the RAG service.
    pub fn rag_url(&self) -> String {
        self.rag.url()
    }

    /// Requests whose head was received, by route pattern: `"POST auth:/auth/login"` → 12. Known routes are
    /// listed even at 0; everything else is under `"other"`; `/stats` is not counted.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for listening in [&self.auth, &self.agents, &self.rag] {
            for (route, count) in listening.counters() {
                *all.entry(route).or_default() += count;
            }
        }
        all
    }

    /// Closes one service's listener and all its open connections, mid-response if need be.
    pub fn kill(&self, service: Service) {
        match service {
            Service::Auth => self.auth.kill(),
            Service::Agents => self.agents.kill(),
            Service::Rag => self.rag.kill(),
        }
    }

    /// Kills all three services and waits until their sockets are closed.
    pub async fn stop(self) {
        for listening in [self.auth, self.agents, self.rag] {
            listening.stop().await;
        }
    }
}

fn check(options: &DemoOptions) -> Result<(), DemoError> {
    let refuse = |option, wanted, got| Err(DemoError::Option { option, wanted, got });
    if !(0.0..=1000.0).contains(&options.slow) {
        return refuse("slow", "between 0 and 1000", options.slow);
    }
    if !(0.0..=1.0).contains(&options.error_rate) {
        return refuse("error_rate", "between 0 and 1", options.error_rate);
    }
    Ok(())
}
