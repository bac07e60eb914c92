//! Cookies as servers see them: what is kept, for how long and for whom, and what is sent back where. Each plan in both
//! formats.

use crate::support::fault_server::{FaultServer, Log, Seen};
use crate::support::{Done, Running, Scratch, both, check_accounting, plimsoll, read_json, row};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// What a plan did in one format.
struct Ran {
    server: FaultServer,
    result: Value,
    done: Done,
}

impl Ran {
    /// The cookies of each request to a path below `/items/`.
    fn sent(&self, item: &str) -> Vec<Option<String>> {
        cookies(&self.server.log, &format!("/items/{item}"))
    }

    #[track_caller]
    fn assert_sent(&self, item: &str, expected: &[&str]) {
        let sent: Vec<_> = self.sent(item).into_iter().map(Option::unwrap_or_default).collect();
        assert_eq!(sent, expected, "{item}");
    }
}

fn cookies(log: &Log, route: &str) -> Vec<Option<String>> {
    log.of(route).iter().map(|seen| seen.header("cookie").map(str::to_owned)).collect()
}

/// Runs a plan, made for a new server, as YAML and as TOML.
fn run(plan: impl Fn(&str) -> Value, exit: i32) -> [Ran; 2] {
    [0, 1].map(|format| {
        let server = FaultServer::start();
        let mut plan = plan(&server.url);
        plan["plan"] = json!(1);
        if plan.get("targets").is_none() {
            plan["target"] = json!(server.url);
        }
        let (name, text) = &both(&plan)[format];
        let scratch = Scratch::new();
        let (path, json) = (scratch.write(name, text), scratch.path("r.json"));
        let mut command = plimsoll();
        command.args(["run", "--allow-invalid", "--json"]).arg(&json).arg(path);
        let done = Running::start(command).finish();
        done.assert_code(exit);
        let result = read_json(&json);
        check_accounting(&result);
        Ran { server, result, done }
    })
}

/// The query of a request to `/set/` whose answer sets these.
fn setting(lines: &[&str]) -> String {
    let pairs = lines.iter().map(|line| format!("c={}", utf8_percent_encode(line, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Steps that set cookies at `/set/x`, then look at one item each.
fn steps(lines: &[&str], items: &[&str]) -> Value {
    let set = json!({ "name": "set", "request": format!("GET /set/x?{}", setting(lines)) });
    let look = items.iter().map(|item| json!({ "request": format!("GET /items/{item}") }));
    std::iter::once(set).chain(look).collect()
}

fn once(steps: Value) -> Value {
    json!({ "flows": { "it": { "steps": steps } }, "load": { "users": 1, "iterations": 1 } })
}

#[test]
fn a_user_keeps_its_own_over_iterations() {
    let plan = |_: &str| {
        let set = "GET /set/x?c=sid%3Du{{ user.id }}-{{ user.iteration }}%3B%20path%3D%2F";
        let look = |item: &str| json!({ "request": format!("GET /items/{item}") });
        json!({
            "flows": { "it": { "steps": [look("before"), { "name": "set", "request": set }, look("after-{{ user.id }}")] } },
            "load": { "users": 2, "iterations_per_user": 2 },
        })
    };
    for ran in run(plan, 0) {
        for user in 0..2 {
            let expected = [format!("sid=u{user}-0"), format!("sid=u{user}-1")];
            ran.assert_sent(&format!("after-{user}"), &expected.each_ref().map(String::as_str));
        }
        let mut before = ran.sent("before");
        before.sort();
        let first = |user| Some(format!("sid=u{user}-0"));
        assert_eq!(
            before,
            [None, None, first(0), first(1)],
            "none in the first iteration, then the last one's"
        );
    }
}

#[test]
fn off_where_the_plan_says_so() {
    let off = |_: &str| {
        let mut plan = once(steps(&["a=b; path=/"], &["1"]));
        plan["http"] = json!({ "cookies": false });
        plan
    };
    for ran in run(off, 0) {
        ran.assert_sent("1", &[""]);
    }
    let by_scenario = |_: &str| {
        let flow = |item: &str| json!({ "it": { "steps": steps(&["a=b; path=/"], &[item]) } });
        let load = json!({ "users": 1, "iterations": 1 });
        json!({
            "http": { "cookies": "off" },
            "scenarios": {
                "off": { "flows": flow("off"), "load": load },
                "on": { "flows": flow("on"), "load": load, "http": { "cookies": "user" } },
            },
        })
    };
    for ran in run(by_scenario, 0) {
        ran.assert_sent("off", &[""]);
        ran.assert_sent("on", &["a=b"]);
    }
}

#[test]
fn paths_lives_and_deletion() {
    let lines = [
        "deep=1; path=/items/deep",
        "all=1; path=/",
        "none=1; path=/nowhere",
        "own=1",
        "past=1; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "wins=1; path=/; max-age=1000; expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "loses=1; path=/; max-age=0; expires=Thu, 01 Jan 2099 00:00:00 GMT",
        "future=1; path=/; expires=Thu, 01-Jan-2099 00:00:00 GMT",
    ];
    let plan = |_: &str| {
        let mut steps = steps(&lines, &["deep/er", "deeper"]);
        let more = setting(&["all=gone; path=/; max-age=-1", "own=kept; path=/set/x; max-age=5"]);
        let more = [
            json!({ "name": "more", "request": format!("GET /set/y?{more}") }),
            json!({ "request": "GET /items/late" }),
            json!({ "name": "own", "request": "GET /set/x/below" }),
        ];
        steps.as_array_mut().unwrap().extend(more);
        once(steps)
    };
    for ran in run(plan, 0) {
        ran.assert_sent("deep/er", &["deep=1; all=1; wins=1; future=1"]);
        ran.assert_sent("deeper", &["all=1; wins=1; future=1"]);
        ran.assert_sent("late", &["wins=1; future=1"]);
        // `/set` is the folder of the answer that said no path.
        let below = cookies(&ran.server.log, "/set/x/below");
        assert_eq!(below, [Some("own=kept; own=1; wins=1; future=1".to_owned())]);
    }
}

#[test]
fn a_life_of_a_second_ends() {
    let plan = |_: &str| {
        let mut steps = steps(&["short=1; path=/; max-age=1", "long=1; path=/; max-age=1000"], &[]);
        let more = [json!({ "think": "1100ms" }), json!({ "request": "GET /items/late" })];
        steps.as_array_mut().unwrap().extend(more);
        once(steps)
    };
    for ran in run(plan, 0) {
        ran.assert_sent("late", &["long=1"]);
    }
}

/// A request that says which host it is for, as to a test machine behind no name of its own.
fn at(host: &str, request: &str, name: &str) -> Value {
    json!({ "name": name, "request": request, "headers": { "host": host } })
}

#[test]
fn domains() {
    let lines = [
        "own=1; path=/",
        "all=1; path=/; domain=shop.example",
        "foreign=1; path=/; domain=other.example",
        "suffix=1; path=/; domain=example",
        "below=1; path=/; domain=b.a.shop.example",
    ];
    let plan = |_: &str| {
        let set = format!("GET /set/x?{}", setting(&lines));
        once(json!([
            at("a.shop.example:8080", &set, "set"),
            at("A.shop.example", "GET /items/same", "same"),
            at("b.shop.example", "GET /items/sibling", "sibling"),
            at("shop.example", "GET /items/parent", "parent"),
            at("b.a.shop.example", "GET /items/child", "child"),
            at("notshop.example", "GET /items/near", "near"),
            at("{{ 'b.shop' ~ '.example' }}", "GET /items/computed", "computed"),
            { "request": "GET /items/address" },
        ]))
    };
    for ran in run(plan, 0) {
        ran.assert_sent("same", &["own=1; all=1"]);
        for item in ["sibling", "parent", "child", "computed"] {
            ran.assert_sent(item, &["all=1"]);
        }
        for item in ["near", "address"] {
            ran.assert_sent(item, &[""]);
        }
    }
}

#[test]
fn ports_share_them_and_hosts_do_not() {
    let [other_port, other_host] =
        ["127.0.0.1:0", "127.0.0.2:0"].map(|at| FaultServer::start_at(at, Log::default()));
    let plan = |url: &str| {
        let mut steps = steps(&["a=b; path=/", "s=t; path=/; secure"], &["same"]);
        let port = url.rsplit(':').next().unwrap();
        let more = [
            json!({ "name": "port", "request": "GET port:/items/port" }),
            json!({ "name": "host", "request": "GET host:/items/host" }),
            // The same machine by an address that is not loopback by its name.
            json!({ "name": "set open", "request": format!("GET open:/set/x?{}", setting(&["c=d; path=/", "s=t; path=/; secure"])) }),
            json!({ "name": "open", "request": "GET open:/items/open" }),
        ];
        steps.as_array_mut().unwrap().extend(more);
        let mut plan = once(steps);
        let open = format!("http://0.0.0.0:{port}");
        plan["targets"] =
            json!({ "main": url, "port": other_port.url, "host": other_host.url, "open": open });
        plan
    };
    for (index, ran) in run(plan, 0).into_iter().enumerate() {
        ran.assert_sent("same", &["a=b; s=t"]);
        assert_eq!(cookies(&other_port.log, "/items/port")[index].as_deref(), Some("a=b; s=t"));
        assert_eq!(cookies(&other_host.log, "/items/host")[index], None);
        ran.assert_sent("open", &["c=d"]);
    }
}

#[test]
fn redirects_set_them_and_each_hop_gets_its_own() {
    let other = FaultServer::start_at("127.0.0.2:0", Log::default());
    let plan = |url: &str| {
        let go = |place: &str, lines: &[&str], to: &str| {
            let to = utf8_percent_encode(to, NON_ALPHANUMERIC);
            format!("GET {place}/set/hop?{}&to={to}", setting(lines))
        };
        let mut plan = once(json!([
            { "name": "other", "request": format!("GET other:/set/x?{}", setting(&["there=1; path=/"])) },
            { "name": "here", "request": go("", &["hop=1; path=/", "a=jar; path=/"], "/items/here"), "redirects": 1, "cookies": { "a": "plan" } },
            { "name": "away", "request": go("", &["hop=2; path=/"], &format!("{}/items/there", other.url)), "redirects": 1, "cookies": { "mine": 1 } },
            { "name": "many", "request": go("", &["hop=3; path=/"], "/set/hop?to=/items/far"), "redirects": 1 },
            { "request": "GET /items/last" },
        ]));
        plan["targets"] = json!({ "main": url, "other": other.url });
        plan
    };
    for ran in run(plan, 0) {
        ran.assert_sent("here", &["a=plan; hop=1"]);
        ran.assert_sent("last", &[]);
        assert_eq!(cookies(&other.log, "/items/there").pop().unwrap().as_deref(), Some("there=1"));
        let first = &cookies(&ran.server.log, "/set/hop")[1];
        assert_eq!(first.as_deref(), Some("mine=1; hop=1; a=jar"));
        assert_eq!(row(&ran.result, "many")["failure_kinds"], json!({ "redirect.loop": 1 }));
    }
}

/// A login in two steps; the second needs what the first was given.
fn with_login(scope: &str, rest: Value) -> Value {
    let second = "POST /set/in?c=sid%3Ds-{{ user.id }}%3B%20path%3D%2F&c=step%3Dtwo%3B%20path%3D%2F";
    let mut plan = json!({
        "auth": {
            "scope": scope,
            "steps": [
                { "name": "form", "request": format!("GET /set/form?{}", setting(&["step=one; path=/"])) },
                { "name": "log in", "request": second },
            ],
            "refresh": { "on_status": [401] },
        },
    });
    plan.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    plan
}

#[test]
fn a_login_is_sent_with_what_uses_it() {
    for scope in ["user", "run"] {
        let plan = |_: &str| {
            let steps = json!([
                { "request": "GET /items/in-{{ user.id }}" },
                { "request": "GET /items/out", "auth": "none" },
                { "name": "own", "request": format!("GET /set/x?{}", setting(&["own=1; path=/"])), "auth": "none" },
                { "request": "GET /items/both-{{ user.id }}" },
                { "request": "GET /items/out-with-own", "auth": "none" },
            ]);
            with_login(
                scope,
                json!({ "flows": { "it": { "steps": steps } }, "load": { "users": 2, "iterations_per_user": 1 } }),
            )
        };
        for ran in run(plan, 0) {
            let logins = cookies(&ran.server.log, "/set/in");
            let expected = if scope == "run" { 1 } else { 2 };
            assert_eq!(logins, vec![Some("step=one".to_owned()); expected], "the form's is sent, {scope}");
            let one = ran.server.log.of("/set/in")[0].path.contains("s-1");
            for user in 0..2 {
                let who = if scope == "run" { u8::from(one) } else { user };
                ran.assert_sent(&format!("in-{user}"), &[&format!("step=two; sid=s-{who}")]);
                ran.assert_sent(&format!("both-{user}"), &[&format!("step=two; sid=s-{who}; own=1")]);
            }
            ran.assert_sent("out", &["", ""]);
            ran.assert_sent("out-with-own", &["own=1", "own=1"]);
        }
    }
}

#[test]
fn what_changes_a_login_changes_it_for_all_who_share_it() {
    let plan = |_: &str| {
        let turn = format!("GET /set/x?{}", setting(&["sid=turned; path=/", "step=; path=/; max-age=0"]));
        // The other user has the same login, and waits until its requests carry what the first was given.
        let wait = json!({ "poll": { "request": "GET /echo", "until": "'turned' in body", "every": "10ms", "timeout": "30s" } });
        let steps = json!([
            { "if": "user.id == 0", "steps": [{ "name": "turn", "request": turn }], "else": [wait] },
            { "request": "GET /items/{{ user.id }}" },
        ]);
        let rest = json!({ "flows": { "it": { "steps": steps } }, "load": { "users": 2, "iterations_per_user": 1 } });
        with_login("run", rest)
    };
    for ran in run(plan, 0) {
        ran.assert_sent("0", &["sid=turned"]);
        ran.assert_sent("1", &["sid=turned"]);
    }
}

#[test]
fn a_renewal_goes_on_with_the_cookies_of_the_login() {
    let plan = |_: &str| {
        let rest = json!({
            "endpoints": { "it": { "request": "GET /unauthorized-once" } },
            "load": { "users": 1, "iterations": 1 },
        });
        with_login("user", rest)
    };
    for ran in run(plan, 0) {
        let forms = cookies(&ran.server.log, "/set/form");
        assert_eq!(forms, [None, Some("step=two; sid=s-0".to_owned())]);
        let again = cookies(&ran.server.log, "/unauthorized-once");
        assert_eq!(again, vec![Some("step=two; sid=s-0".to_owned()); 2]);
    }
}

#[test]
fn what_the_plan_writes_wins_by_name() {
    let plan = |_: &str| {
        let look = |item: &str, cookies: Value| json!({ "request": format!("GET /items/{item}"), "cookies": cookies });
        let mut steps =
            steps(&["a=jar; path=/", "b=jar; path=/", "c=jar; path=/", "lang=jar; path=/"], &["plain"]);
        let more = [
            look("fixed", json!({ "a": "plan", "n": 5 })),
            look("computed", json!({ "b": "{{ 'p' ~ user.id }}", "lang": "de" })),
            json!({ "name": "header", "request": "GET /items/header", "headers": { "cookie": "a=own; x" } }),
            json!({ "name": "both", "request": "GET /items/both", "headers": { "cookie": "a=own; x=y" }, "cookies": { "x": "z" } }),
        ];
        steps.as_array_mut().unwrap().extend(more);
        let mut plan = once(steps);
        plan["http"] = json!({ "headers": { "cookie": "lang=en" } });
        plan["auth"] = json!({ "apply": { "cookies": { "c": "applied", "n": "applied" } } });
        plan
    };
    for ran in run(plan, 0) {
        ran.assert_sent("plain", &["lang=en; c=applied; n=applied; a=jar; b=jar"]);
        ran.assert_sent("fixed", &["a=plan; n=5; lang=en; c=applied; b=jar"]);
        ran.assert_sent("computed", &["b=p0; lang=de; c=applied; n=applied; a=jar"]);
        ran.assert_sent("header", &["a=own; x; c=applied; n=applied; b=jar; lang=jar"]);
        ran.assert_sent("both", &["x=z; a=own; c=applied; n=applied; b=jar; lang=jar"]);
    }
}

#[test]
fn a_value_that_would_end_it_is_not_sent() {
    for value in ["b;c", "b\r\nx-evil: 1", "b\u{7}"] {
        let plan = |_: &str| {
            let mut plan = json!({
                "endpoints": { "it": { "request": "GET /ok", "cookies": { "a": "{{ evil }}" } } },
                "load": { "users": 1, "iterations": 1 },
                "thresholds": ["errors < 1%"],
            });
            plan["variables"] = json!({ "evil": value });
            plan
        };
        for ran in run(plan, 1) {
            assert!(ran.server.log.all().is_empty());
            assert_eq!(row(&ran.result, "it")["failure_kinds"], json!({ "template": 1 }));
            let shown = ran.done.output();
            assert!(shown.contains("cookie a") && shown.contains("would hold `;` or a control"), "{shown}");
        }
    }
}

/// What requests before and after the one that sets a cookie send, in four iterations of one user or arrivals.
fn before_and_after(load: &Value, cookies: Option<Value>) -> [[Vec<String>; 2]; 2] {
    let plan = |_: &str| {
        let set = "GET /set/x?c=sid%3D{{ user.iteration }}%3B%20path%3D%2F";
        let look = |item: &str| json!({ "request": format!("GET /items/{item}") });
        let steps = [look("before"), json!({ "name": "set", "request": set }), look("after")];
        let mut plan = json!({ "flows": { "it": { "steps": steps } }, "load": load });
        if let Some(cookies) = &cookies {
            plan["http"] = json!({ "cookies": cookies });
        }
        plan
    };
    run(plan, 0).map(|ran| {
        ["before", "after"].map(|item| ran.sent(item).into_iter().map(Option::unwrap_or_default).collect())
    })
}

#[test]
fn an_arrival_is_a_visitor_of_its_own_and_a_user_that_loops_is_the_same_again() {
    let closed = json!({ "users": 1, "iterations": 4 });
    // One user runs them all, one after the other.
    let open = json!({ "rate": "20/s", "duration": "200ms", "max_users": 1 });
    let texts = |texts: [&str; 4]| texts.map(str::to_owned).to_vec();
    let sent = texts(["sid=0", "sid=1", "sid=2", "sid=3"]);
    let kept = [texts(["", "sid=0", "sid=1", "sid=2"]), sent.clone()];
    let forgotten = [texts([""; 4]), sent];
    let nothing = [texts([""; 4]), texts([""; 4])];
    for (load, cookies, expected) in [
        (&closed, None, &kept),
        (&open, None, &forgotten),
        (&closed, Some(json!("iteration")), &forgotten),
        (&open, Some(json!("iteration")), &forgotten),
        (&closed, Some(json!("user")), &kept),
        (&open, Some(json!("user")), &kept),
        (&closed, Some(json!("off")), &nothing),
        (&open, Some(json!("off")), &nothing),
        (&open, Some(json!(false)), &nothing),
    ] {
        for seen in before_and_after(load, cookies.clone()) {
            assert_eq!(&seen, expected, "{load} {cookies:?}");
        }
    }
}

#[test]
fn a_login_outlives_the_iterations_of_its_user() {
    let plan = |_: &str| {
        let steps = [
            json!({ "request": "GET /items/before" }),
            json!({ "name": "set", "request": format!("GET /set/x?{}", setting(&["mine=1; path=/"])) }),
            json!({ "request": "GET /items/after" }),
        ];
        json!({
            "auth": { "steps": [{ "name": "log in", "request": format!("GET /set/in?{}", setting(&["login=1; path=/"])) }] },
            "flows": { "it": { "steps": steps } },
            "load": { "rate": "20/s", "duration": "200ms", "max_users": 1 },
        })
    };
    for ran in run(plan, 0) {
        ran.assert_sent("before", &["login=1"; 4]);
        ran.assert_sent("after", &["login=1; mine=1"; 4]);
        assert_eq!(ran.server.log.count("/set/in"), 1);
    }
}

#[test]
fn polls_and_users_of_arrivals_keep_them_too() {
    let plan = |_: &str| {
        let poll = json!({ "poll": { "request": format!("GET /set/x?{}", setting(&["a=b; path=/"])), "until": "json.status == 'done'", "name": "wait" } });
        json!({
            "flows": { "it": { "steps": [poll, { "request": "GET /items/1" }] } },
            "load": { "rate": "10/s", "duration": "200ms" },
        })
    };
    for ran in run(plan, 0) {
        ran.assert_sent("1", &["a=b", "a=b"]);
    }
}

#[test]
fn a_server_that_sets_without_measure() {
    let lines: Vec<_> = (0..80).map(|n| format!("n{n}=v; path=/")).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let long = format!("long={}; path=/", "x".repeat(4100));
    let plan = |_: &str| {
        let mut steps = steps(&lines, &["many"]);
        let set = json!({ "name": "long", "request": format!("GET /set/y?{}", setting(&[&long])) });
        steps.as_array_mut().unwrap().extend([set, json!({ "request": "GET /items/long" })]);
        once(steps)
    };
    for ran in run(plan, 0) {
        for item in ["many", "long"] {
            let sent = ran.sent(item).remove(0).unwrap();
            assert!(sent.starts_with("n30=v; ") && sent.ends_with("; n79=v"), "{sent}");
            assert_eq!(sent.split("; ").count(), 50, "the last that were set");
        }
    }
}

#[test]
fn values_are_shown_nowhere() {
    let server = FaultServer::start();
    let text = format!(
        "plan: 1\ntarget: \"{}\"\n\
         auth: {{ steps: [{{ request: \"GET /set/in?{}\" }}] }}\n\
         flows: {{ it: {{ steps: [{{ name: set, request: \"GET /set/x?{}\" }}, {{ name: turn, request: \"GET /set/turn?{}\", cookies: {{ own: \"{{{{ 'of-the-plan' }}}}\" }}, expect: \"json.status == 'never'\" }}] }} }}\n\
         load: {{ users: 1, iterations: 1 }}\n",
        server.url,
        setting(&["sid=login-s3ssion; path=/"]).replace("s3ssion", "{{ 's3' ~ 'ssion' }}"),
        setting(&["mine=user-s3ssion; path=/"]).replace("s3ssion", "{{ 's3' ~ 'ssion' }}"),
        // The answer tells of what it was sent, and takes it away.
        setting(&["mine=; path=/; max-age=0", "sid=turned-s3ssion; path=/"])
            .replace("s3ssion", "{{ 's3' ~ 'ssion' }}"),
    );
    for command in ["try", "run"] {
        let scratch = Scratch::new();
        let (plan, html) = (scratch.write("plan.yaml", &text), scratch.path("r.html"));
        let mut process = plimsoll();
        process.arg(command).arg(plan);
        if command == "run" {
            process.args(["--allow-invalid", "--json", "-", "--html"]).arg(&html);
        }
        let done = Running::start(process).finish();
        let shown = done.output() + &std::fs::read_to_string(html).unwrap_or_default();
        let seen: &Seen = &server.log.of("/set/turn").pop().unwrap();
        assert_eq!(seen.header("cookie"), Some("own=of-the-plan; sid=login-s3ssion; mine=user-s3ssion"));
        assert!(shown.contains("***"), "{shown}");
        assert!(!shown.contains("s3ssion"), "{command}: {shown}");
    }
}
