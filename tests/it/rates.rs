//! Rates are over the time in which load was made: what runs on after it, and the loads of other scenarios, divide none.

use crate::support::fault_server::FaultServer;
use crate::support::{Ran, Running, Scratch, check_accounting, count, plimsoll, row};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn load<'r>(result: &'r Value, scenario: &str) -> &'r Value {
    let loads = result["run"]["loads"].as_array().unwrap();
    loads.iter().find(|load| load["scenario"] == scenario).unwrap_or_else(|| panic!("{loads:?}"))
}

/// Requests begun while load was made, by what the result says was begun after it.
fn begun_in_load(row: &Value) -> f64 {
    (count(&row["requests"]) - row["begun_in_drain"].as_u64().unwrap_or(0)) as f64
}

/// What holds for every result: rates are counts over loads, and the seconds add up to the whole.
fn check_rates(result: &Value) {
    check_accounting(result);
    for row in result["series"].as_array().unwrap().iter().filter(|row| row["kind"] == "endpoint") {
        let load = load(result, row["scenario"].as_str().unwrap());
        let load_s = number(&load["to_s"]) - number(&load["measured_from_s"]);
        assert!((number(&row["rps"]) * load_s - begun_in_load(row)).abs() < 1e-6, "{load}: {row}");
    }
    let whole = begun_in_load(&result["totals"]);
    assert!((number(&result["totals"]["rps"]) * number(&result["run"]["load_s"]) - whole).abs() < 1e-6);
    let mut requests = 0;
    for second in result["timeline"].as_array().unwrap() {
        let in_load = count(&second["requests"]) - second["in_drain"].as_u64().unwrap_or(0);
        requests += count(&second["requests"]);
        if let Some(rps) = second["rps"].as_f64() {
            let load_s = second["load_s"].as_f64().unwrap_or(1.0);
            assert!((rps * load_s - in_load as f64).abs() < 1e-6, "{second}");
        }
    }
    assert_eq!(
        requests,
        count(&result["totals"]["requests"]) + count(&result["accounting"]["warmup_requests"])
    );
}

/// 40 requests a second for 2 s; one in ten to `route`.
fn hanging(scratch: &Scratch, server: &FaultServer, route: &str, arguments: &[&str]) -> Ran {
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nhttp: {{ timeout: 3s }}\n\
         endpoints: {{ ok: {{ request: GET /ok, weight: 9 }}, one: {{ request: \"GET /{{{{ env.ONE }}}}\", weight: 1 }} }}\n\
         load: {{ rate: 40/s, duration: 2s }}\nthresholds: [rps > 20, {{ that: rps > 1, over: 1s }}]\n",
        server.url
    );
    scratch.run_with(&plan, &[&["--seed", "7"], arguments].concat(), &[("ONE", route)])
}

#[test]
fn requests_that_hang_change_no_rate() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let [fast, slow] = [scratch.path("fast.json"), scratch.path("slow.json")];
    let csv = scratch.path("csv");
    let quick = hanging(&scratch, &server, "ok", &[]);
    std::fs::copy(scratch.path("result.json"), &fast).unwrap();
    let hung = hanging(&scratch, &server, "slow-head", &["--csv", csv.to_str().unwrap()]);
    std::fs::copy(scratch.path("result.json"), &slow).unwrap();
    for ran in [&quick, &hung] {
        ran.done.assert_code(0);
        check_rates(&ran.result);
        assert_eq!(number(&ran.result["run"]["load_s"]), 2.0);
        // 80 requests in 2 s. A starved generator may begin some of them after the load; divided by the drain it would be 16/s.
        assert!(number(&ran.result["totals"]["rps"]) > 25.0, "{}", ran.result["totals"]);
        assert_eq!(ran.result["thresholds"][0]["observed"], ran.result["totals"]["rps"]);
        let last = ran.result["timeline"].as_array().unwrap().last().unwrap();
        assert!(last["at_s"].as_u64() <= Some(2) || last.get("rps").is_none(), "{last}");
    }
    assert!(number(&hung.result["run"]["duration_s"]) > 3.0);
    let in_drain = |second: &Value| second["in_drain"].as_u64() > Some(0);
    assert!(hung.result["timeline"].as_array().unwrap().iter().any(in_drain));
    assert!(hung.done.stderr.contains("load is over"), "{}", hung.done.stderr);
    let history = std::fs::read_to_string(scratch.path("csv_stats_history.csv")).unwrap();
    let last: Vec<_> = history.lines().last().unwrap().split(',').collect();
    assert_eq!((last[4], last[5], last[17]), ("N/A", "N/A", "80"), "{history}");
    // The drain makes no other duration of it, and hides nothing.
    let mut compare = plimsoll();
    compare.args(["compare", "--force"]).args([&fast, &slow]);
    let compared = Running::start(compare).finish();
    assert!(!compared.stdout.contains("another"), "{}", compared.output());
}

#[test]
fn a_late_scenario_has_the_rate_of_its_own_load() {
    let (server, scratch) = (FaultServer::start(), Scratch::new());
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nscenarios:\n\
         \x20 base: {{ load: {{ rate: 1/s, duration: 4s }}, endpoints: {{ b: {{ request: GET /ok }} }} }}\n\
         \x20 spike: {{ start_after: 3s, load: {{ rate: 50/s, duration: 1s }}, endpoints: {{ s: {{ request: GET /items/1 }} }},\n\
         \x20   thresholds: [rps > 30, rps < 14] }}\n\
         \x20 early: {{ load: {{ users: 1, iterations: 3 }}, endpoints: {{ e: {{ request: GET /slow/200 }} }},\n\
         \x20   thresholds: [rps > 1, {{ that: rps > 0.5, over: 1s, level: warn }}] }}\n",
        server.url
    );
    let ran = scratch.run(&plan, &["--no-reports"]);
    check_rates(&ran.result);
    let spike = load(&ran.result, "spike");
    assert_eq!([&spike["from_s"], &spike["to_s"]].map(number), [3.0, 4.0]);
    assert_eq!(number(&ran.result["run"]["load_s"]), 4.0);
    let verdicts = ran.result["thresholds"].as_array().unwrap();
    let of = |expression: &str| &verdicts.iter().find(|t| t["expression"] == expression).unwrap()["verdict"];
    // 50 in its second, 12.5/s over all of the run.
    assert_eq!([of("rps > 30"), of("rps < 14")], ["pass", "fail"], "{verdicts:?}");
    // A fixed amount of work that is done while others go on: three requests in 0.6 s, 0.75/s over all of the run. Seconds
    // after it are in no window.
    assert!(number(&load(&ran.result, "early")["to_s"]) < 3.0, "{}", ran.result["run"]);
    assert_eq!(*of("rps > 1"), "pass", "{verdicts:?}");
    assert!(
        *of("rps > 0.5") != "warn" || verdicts.iter().any(|t| t["over_s"] == 1 && t["samples"] != 0),
        "{verdicts:?}"
    );
}

#[test]
fn a_run_that_is_cut_short_made_load_until_then() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nhttp: {{ timeout: 2s }}\n\
         scenarios:\n\
         \x20 a: {{ load: {{ rate: 40/s, duration: 1m }}, endpoints: {{ ok: {{ request: GET /ok }}, slow: {{ request: GET /slow-head }} }} }}\n\
         \x20 never: {{ start_after: 50s, load: {{ rate: 40/s, duration: 10s }}, endpoints: {{ n: {{ request: GET /ok }} }} }}\n\
         thresholds: [{{ that: failures < 3, abort: true }}]\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &["--no-reports"]);
    ran.done.assert_code(1);
    let (load_s, duration_s) =
        (number(&ran.result["run"]["load_s"]), number(&ran.result["run"]["duration_s"]));
    // The first failures come after 2 s; what hangs then ends up to 2 s later.
    assert!(load_s >= 2.0 && duration_s - load_s > 0.5, "{}", ran.result["run"]);
    assert!(number(&row(&ran.result, "a/ok")["rps"]) > 10.0, "{}", row(&ran.result, "a/ok"));
    let loads = ran.result["run"]["loads"].as_array().unwrap();
    assert!(loads.iter().all(|load| load["scenario"] != "never"), "{loads:?}");
}

#[test]
fn what_begins_after_the_load_is_in_no_rate() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nflows: {{ f: {{ steps: [{{ request: GET /ok }}, {{ think: 1s }}, {{ request: GET /items/1, name: late }}] }} }}\n\
         load: {{ rate: 20/s, duration: 2s }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_rates(&ran.result);
    let late = row(&ran.result, "late");
    // Those of the last second.
    assert!(late["begun_in_drain"].as_u64() >= Some(15), "{late}");
    assert_eq!(server.log.count("/items/1"), count(&late["requests"]));
    // The row of the flow itself began in time.
    assert!(row(&ran.result, "f").get("begun_in_drain").is_none(), "{}", row(&ran.result, "f"));
}

#[test]
fn a_fixed_amount_of_work_makes_load_until_its_last_iteration_ends() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ slow: {{ request: GET /slow/100 }} }}\nthink: 2s\nload: {{ users: 2, iterations: 4 }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_rates(&ran.result);
    let (load_s, duration_s) =
        (number(&ran.result["run"]["load_s"]), number(&ran.result["run"]["duration_s"]));
    // A pause lies between the two iterations of a user, and one behind the last is none of the work.
    assert!(load_s >= 2.2 && duration_s - load_s > 1.5, "{}", ran.result["run"]);
    assert!(ran.result["series"][0].get("begun_in_drain").is_none(), "{}", ran.result["series"][0]);
}

#[test]
fn a_warm_up_has_a_rate_of_its_own() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nendpoints: {{ ok: {{ request: GET /ok }} }}\nload: {{ rate: 30/s, duration: 3s, warmup: 1s }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    check_rates(&ran.result);
    assert_eq!(number(&ran.result["run"]["load_s"]), 2.0);
    let warmup = &ran.result["warmup"][0];
    assert!((number(&warmup["rps"]) - begun_in_load(warmup)).abs() < 1e-9, "{warmup}");
}
