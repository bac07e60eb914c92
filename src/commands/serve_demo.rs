//! `plimsoll serve-demo`: the demo platform until Ctrl-C.

use crate::cli::ServeDemo;
use crate::demo::{Demo, DemoOptions};
use crate::engine::Signals;
use crate::exit::Exit;

use super::terminal::{complain, complain_of, is_lost, out};

pub fn serve_demo(options: &ServeDemo) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    };
    runtime.block_on(serve(options))
}

async fn serve(options: &ServeDemo) -> Exit {
    let started = Demo::start(DemoOptions {
        auth_port: options.auth_port,
        agents_port: options.agents_port,
        rag_port: options.rag_port,
        seed: options.seed,
        slow: options.slow,
        error_rate: options.error_rate,
        token_ttl_s: options.token_ttl,
    });
    let demo = match started.await {
        Ok(demo) => demo,
        Err(error) => {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    };
    out(&format!(
        "auth   {}\nagents {}\nrag    {}\nserving; GET /stats on each shows its counters; Ctrl-C ends\n",
        demo.auth_url(),
        demo.agents_url(),
        demo.rag_url()
    ));
    // Nobody would know where it serves.
    if is_lost() {
        return Exit::CouldNotRun;
    }
    match Signals::listen() {
        Ok(mut signals) => signals.next().await,
        Err(error) => {
            complain_of(&error);
            return Exit::CouldNotRun;
        }
    }
    let counters = demo.counters();
    demo.stop().await;
    complain("requests received:");
    for (route, count) in counters.into_iter().filter(|(_, count)| *count > 0) {
        complain(&format!("{count:>10}  {route}"));
    }
    Exit::Pass
}
