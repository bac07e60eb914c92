//! Waits until the target answers, instead of sleeping and hoping.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;

use crate::compile::model::{CompiledPlan, Ready, Request, UriPlan};
use crate::failure::Failure;
use crate::http::{Addresses, Connection, Connector, Deadline, ExchangeError, Keep, Reply, Timing, Visitor};
use crate::metric::{Checks, Outcome, Recorder, Sample};
use crate::template::Scope;

/// Longest wait for one answer of a check.
const ONE_CHECK: Duration = Duration::from_secs(5);

/// Repeats each check until it passes.
///
/// # Errors
/// In words, when the time is over before all have passed.
pub async fn wait(
    plan: &CompiledPlan,
    ready: &Ready,
    connector: &Connector,
    recorder: &mut Recorder,
) -> Result<(), String> {
    let give_up = Instant::now() + ready.timeout;
    for check in &ready.checks {
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let why = match check_once(plan, check, connector, recorder, left.min(ONE_CHECK)).await {
                Ok(()) => break,
                Err(why) => why,
            };
            if let Some(refused) = connector.refusal() {
                return Err(refused);
            }
            if Instant::now() + ready.interval >= give_up {
                let target = &plan.targets[check.target];
                let row = &plan.series[check.series.0 as usize].name;
                return Err(format!(
                    "`{}` at {}:{} was not ready within {:.0?}: {row}: {why}",
                    target.name, target.host, target.port, ready.timeout
                ));
            }
            tokio::time::sleep(ready.interval).await;
        }
    }
    Ok(())
}

async fn check_once(
    plan: &CompiledPlan,
    check: &Request,
    connector: &Connector,
    recorder: &mut Recorder,
    patience: Duration,
) -> Result<(), String> {
    let started = Instant::now();
    let mut timing = Timing::starting(started);
    let mut times = None;
    let (status, verdict) = match exchange(plan, check, connector, patience, &mut timing, &mut times).await {
        Ok(reply) if reply.status < 400 => (reply.status, Ok(())),
        Ok(reply) => (reply.status, Err((Failure::Status, format!("status {}", reply.status)))),
        Err(error) => (error.status, Err((error.kind, error.message))),
    };
    let (bytes_in, bytes_out) = times.as_ref().map_or((0, 0), |c: &Connection| c.times().bytes());
    let (latency_us, phases) = timing.finish(Instant::now(), times.as_ref().map(Connection::times));
    let outcome = match &verdict {
        Ok(()) => Outcome::Ok,
        Err((kind, _)) => Outcome::Failed(*kind),
    };
    recorder.record(&Sample {
        series: check.series,
        outcome,
        status,
        latency_us,
        phases,
        bytes_in,
        bytes_out,
        new_connection: times.is_some(),
        checks: Checks::default(),
    });
    verdict.map_err(|(_, words)| words)
}

async fn exchange(
    plan: &CompiledPlan,
    check: &Request,
    connector: &Connector,
    patience: Duration,
    timing: &mut Timing,
    kept: &mut Option<Connection>,
) -> Result<Reply, ExchangeError> {
    let UriPlan::Static(uri) = &check.uri else {
        return Err(ExchangeError::new(Failure::Template, "a check has no template"));
    };
    let mut deadline = Deadline::default();
    deadline.set(Instant::now() + patience);
    let (target, addresses) = (&plan.targets[check.target], Addresses::default());
    // Each check looks the name up and shakes hands anew; no user resumes its session.
    let stream = connector.open(target, &addresses, &mut Visitor::default(), timing, &mut deadline).await?;
    let connection = kept.insert(Connection::new(stream).await?);
    let mut request = http::Request::new(Full::new(Bytes::new()));
    *request.method_mut() = check.method.clone();
    *request.uri_mut() = uri.clone();
    *request.headers_mut() = check.headers.clone();
    let scope = Scope::new(plan.names.clone(), &plan.initial);
    super::send::computed_headers(&check.computed_headers, &scope, request.headers_mut())
        .map_err(|error| ExchangeError::new(Failure::Template, error.to_string()))?;
    connection.exchange(&mut Some(request), Keep::Nothing, &mut deadline).await
}
