//! Redirects as servers see them: which requests arrive, with what in them, and what they count as.

use crate::support::fault_server::FaultServer;
use crate::support::raw_server::{Answer, RawServer};
use crate::support::{Running, Scratch, check_accounting, plimsoll, requests, row};
use serde_json::json;

/// One user, one iteration of the endpoint `a`, with a second server as the target `other`.
fn plan(server: &FaultServer, other: &FaultServer, endpoint: &str) -> String {
    format!(
        "plan: 1\ntargets: {{ main: \"{}\", other: \"{}\" }}\nendpoints: {{ a: {{ {endpoint} }} }}\n\
         load: {{ users: 1, iterations: 1 }}\nthresholds: [errors < 1%]\n",
        server.url, other.url
    )
}

#[test]
fn a_post_becomes_a_get_or_stays_one() {
    for (status, method, body) in [(303, "GET", ""), (302, "GET", ""), (307, "POST", r#"{"n":1}"#)] {
        let (server, other) = (FaultServer::start(), FaultServer::start());
        let endpoint = format!(
            "request: POST /redirect/{status}//ok?x=1, json: {{ n: 1 }}, \
             headers: {{ authorization: \"Bearer abc\" }}, expect: [status == 200, json.ok], capture: {{ id: \"json.items[0].id\" }}"
        );
        let ran = Scratch::new().run(&plan(&server, &other, &endpoint), &[]);
        ran.done.assert_code(0);
        check_accounting(&ran.result);
        let seen = server.log.of("/ok");
        assert_eq!(
            (seen[0].method.as_str(), seen[0].text(), seen[0].path.as_str()),
            (method, body, "/ok?x=1")
        );
        assert_eq!(seen[0].header("content-type").is_some(), method == "POST");
        assert_eq!(seen[0].header("authorization"), Some("Bearer abc"), "the same place");
        assert_eq!(seen[0].connection, server.log.all()[0].connection, "the user's connection goes on");
        // Each hop is a request, and only the last answer is judged.
        let row = row(&ran.result, "a");
        assert_eq!(row["status"], json!({ status.to_string(): 1, "200": 1 }), "{row}");
        assert_eq!(row["requests"], 2);
        let notes = ran.result["notes"].to_string();
        assert!(notes.contains("1 redirects were followed"), "{notes}");
    }
}

#[test]
fn credentials_do_not_go_to_another_place() {
    let (server, other) = (FaultServer::start(), FaultServer::start());
    let plan = format!(
        "plan: 1\ntargets: {{ main: \"{0}\", other: \"{1}\" }}\n\
         auth: {{ steps: [{{ request: POST /login, capture: {{ token: json.token }} }}],\n\
         \x20       apply: {{ headers: {{ x-key: \"{{{{ auth.token }}}}\", authorization: \"Bearer {{{{ auth.token }}}}\" }} }} }}\n\
         http: {{ headers: {{ cookie: a=b, x-api-key: k, accept: text/html }} }}\n\
         endpoints: {{ a: {{ request: \"GET /redirect/302/{1}/ok\" }} }}\nload: {{ users: 1, iterations: 1 }}\n\
         thresholds: [errors < 1%]\n",
        server.url, other.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    check_accounting(&ran.result);
    let first = server.log.all().into_iter().find(|seen| seen.path.starts_with("/redirect")).unwrap();
    assert_eq!((first.header("x-key"), first.header("x-api-key")), (Some("token-1"), Some("k")));
    let seen = &other.log.of("/ok")[0];
    for name in ["x-key", "x-api-key", "authorization", "cookie"] {
        assert_eq!(seen.header(name), None, "{name} was meant for another place");
    }
    assert_eq!(seen.header("accept"), Some("text/html"));
    assert_eq!(Some(seen.header("host").unwrap()), other.url.strip_prefix("http://"));
}

#[test]
fn none_are_followed_where_the_plan_says_so() {
    let (server, other) = (FaultServer::start(), FaultServer::start());
    let endpoint = "request: GET /redirect/302//ok, redirects: 0";
    let ran = Scratch::new().run(&plan(&server, &other, endpoint), &[]);
    ran.done.assert_code(0);
    assert_eq!(row(&ran.result, "a")["status"], json!({ "302": 1 }));
    let of_all = plan(&server, &other, "request: GET /redirect/302//ok")
        .replace("endpoints:", "http: { redirects: 0 }\nendpoints:");
    let ran = Scratch::new().run(&of_all, &[]);
    assert_eq!(row(&ran.result, "a")["status"], json!({ "302": 1 }));
    assert_eq!(server.log.count("/ok"), 0);
}

/// Who expects a redirect, or reads where it leads, gets it; whoever may mean either is asked.
#[test]
fn what_is_asked_of_a_redirect_is_asked_of_it() {
    for (asks, hops, doubts) in [
        ("expect: { status: 302 }", 0, false),
        ("expect: [status == 302 or status == 303]", 0, false),
        ("capture: { to: headers.location }", 0, false),
        ("expect: { status: [200, 302] }", 1, true),
        ("expect: { status: [200, 302] }, redirects: 10", 1, false),
        ("expect: { status: [200, 302] }, redirects: 0", 0, false),
        ("expect: [status < 400]", 1, false),
        ("expect: { status: [2xx, 304] }", 1, false),
    ] {
        let (server, other) = (FaultServer::start(), FaultServer::start());
        let ran = Scratch::new()
            .run(&plan(&server, &other, &format!("request: GET /redirect/302//ok, {asks}")), &[]);
        ran.done.assert_code(0);
        assert_eq!(server.log.count("/ok"), hops, "{asks}");
        assert_eq!(ran.done.stderr.contains("P211"), doubts, "{asks}: {}", ran.done.stderr);
    }
}

#[test]
fn a_use_a_poll_and_a_condition_ask_too() {
    let server = FaultServer::start();
    let plan = |steps: &str| {
        format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ go: {{ request: GET /redirect/302//ok, weight: 0 }} }}\n\
             flows: {{ f: {{ weight: 1, steps: [{steps}] }} }}\nload: {{ users: 1, iterations: 1 }}\nthresholds: [errors < 1%]\n",
            server.url
        )
    };
    for (steps, hops, doubts) in [
        ("{ use: go }", 1, false),
        ("{ use: go, expect: { status: 302 } }", 0, false),
        ("{ use: go, capture: { to: headers.location } }", 0, false),
        ("{ poll: { use: go, until: status == 302, every: 10ms } }", 0, false),
        ("{ poll: { request: GET /redirect/302//ok, until: status == 302, every: 10ms } }", 0, false),
        ("{ poll: { use: go, until: status == 200, every: 10ms } }", 1, false),
        ("{ use: go }, { if: status == 302, steps: [{ think: 1ms }] }", 1, true),
        ("{ use: go }, { if: status == 200, steps: [{ think: 1ms }] }", 1, false),
        (
            "{ request: GET /redirect/302//ok, redirects: 0 }, { if: status == 302, steps: [{ think: 1ms }] }",
            0,
            false,
        ),
    ] {
        let before = server.log.count("/ok");
        let ran = Scratch::new().run(&plan(steps), &[]);
        ran.done.assert_code(0);
        assert_eq!(server.log.count("/ok") - before, hops, "{steps}");
        assert_eq!(ran.done.stderr.contains("P211"), doubts, "{steps}: {}", ran.done.stderr);
    }
}

#[test]
fn logins_follow_and_readiness_does_not() {
    let server = FaultServer::start();
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nready: {{ checks: [GET /redirect/302//items/ready] }}\n\
         auth: {{ steps: [{{ request: GET /redirect/302//login, capture: {{ token: json.token }} }}],\n\
         \x20       apply: {{ headers: {{ x-key: \"{{{{ auth.token }}}}\" }} }} }}\n\
         endpoints: {{ a: {{ request: GET /ok }} }}\nload: {{ users: 1, iterations: 1 }}\nthresholds: [errors < 1%]\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    assert_eq!(server.log.count("/items/ready"), 0);
    assert_eq!(server.log.count("/login"), 1);
    assert_eq!(server.log.of("/ok")[0].header("x-key"), Some("token-1"));
}

/// Where a session that is over leads to the page of a login, the plan's login comes first.
#[test]
fn a_redirect_that_asks_for_a_login_is_not_followed() {
    let pages = std::sync::atomic::AtomicU64::new(0);
    let server = RawServer::start(move |asked| {
        let is_over =
            asked.path() == "/page" && pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        match is_over {
            true => Answer::of("HTTP/1.1 302 F\r\nlocation: /form\r\ncontent-length: 0\r\n\r\n"),
            false => Answer::of("HTTP/1.1 200 OK\r\nx-login: t\r\ncontent-length: 0\r\n\r\n"),
        }
    });
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nthresholds: [errors < 1%]\nload: {{ users: 1, iterations: 1 }}\n\
         auth: {{ steps: [{{ request: POST /login, capture: {{ t: \"headers['x-login']\" }} }}], refresh: {{ on_status: [302] }},\n\
         \x20       apply: {{ headers: {{ x-key: \"{{{{ auth.t }}}}\" }} }} }}\n\
         endpoints: {{ a: {{ request: GET /page }} }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    assert_eq!(server.paths(), ["/login", "/page", "/login", "/page"], "{}", ran.done.stderr);
    ran.done.assert_code(0);
}

/// What servers write, and what browsers and curl make of it.
#[test]
fn locations_that_are_no_uri_are_followed() {
    for (location, arrives) in [
        (&b"/ok"[..], "/ok"),
        (b"/cb?filter[name]=x", "/cb?filter%5Bname%5D=x"),
        (b"/s?q=100%", "/s?q=100%"),
        (b"/caf\xe9", "/caf%E9"),
        ("/caf\u{e9} \u{2713}".as_bytes(), "/caf%C3%A9%20%E2%9C%93"),
        (b"/a|b^c?d={e}", "/a%7Cb%5Ec?d=%7Be%7D"),
        (b"URL?code=1", "/?code=1"),
        (b"URL", "/"),
        (b"HOST/same/scheme", "/same/scheme"),
        (b"?page=2", "/go/b?page=2"),
        (b"next#part", "/go/next"),
        (b"..\\up", "/up"),
        (b"/a/\t/b", "/a//b"),
    ] {
        let location = location.to_vec();
        // The own URL is none of the RFC's either.
        let own = "/go/b?ids[]=1&x={y}|^%";
        let server = RawServer::start(move |asked| {
            if !asked.path().starts_with("/go/b?ids") {
                return Answer::of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            }
            let host = asked.header("host").unwrap();
            let place = [("URL", format!("http://{host}")), ("HOST", format!("//{host}"))];
            let at = place.iter().find(|(word, _)| location.starts_with(word.as_bytes()));
            let location =
                at.map_or(location.clone(), |(word, url)| [url.as_bytes(), &location[word.len()..]].concat());
            let head = b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: ";
            Answer::of([head, &*location, b"\r\n\r\n"].concat())
        });
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: \"GET {own}\" }} }}\n\
             load: {{ users: 1, iterations: 1 }}\nthresholds: [errors < 1%]\n",
            server.url
        );
        let ran = Scratch::new().run(&plan, &[]);
        ran.done.assert_code(0);
        check_accounting(&ran.result);
        assert_eq!(server.paths(), [own, arrives]);
        assert_eq!(row(&ran.result, "a")["status"], json!({ "302": 1, "200": 1 }));
    }
}

/// Every redirect that cannot be followed has failed; credentials in it are not told.
#[test]
fn redirects_that_lead_nowhere_fail() {
    let long = format!("location: /{}\r\n", "x".repeat(70_000));
    for (status, headers, kind, words) in [
        (302, "", "redirect.outside", "no `location`"),
        (302, "location:\r\n", "redirect.outside", "is empty"),
        (303, "location: http://[::1\r\n", "redirect.outside", "http://[::1, which is not a URL"),
        (301, "location: mailto:a@b.example\r\n", "redirect.outside", "which is not http or https"),
        (307, &long, "redirect.outside", "too long for a URL"),
        (
            308,
            "location: http://u:hunter2@sso.example/in?client_id=c1&token=t0p#access_token=secr3t\r\n",
            "redirect.outside",
            "redirected to http://***@sso.example/in?client_id=***&token=***#access_token=***, a place outside the plan's targets",
        ),
        (302, "location: /ok\r\nlocation: /other\r\n", "protocol", "two different headers `location`"),
        (302, "location: /go\r\n", "redirect.loop", "redirected more than 10 times, the last time to /go"),
    ] {
        let answer = format!("HTTP/1.1 {status} Elsewhere\r\ncontent-length: 0\r\n{headers}\r\n");
        let server = RawServer::start(move |_| Answer::of(&answer));
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /go }} }}\nload: {{ users: 1, iterations: 2 }}\nthresholds: [errors == 0]\n",
            server.url
        );
        let scratch = Scratch::new();
        let ran = scratch.run(&plan, &["--no-reports"]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        let row = row(&ran.result, "a");
        assert_eq!(row["failure_kinds"], json!({ kind: 2 }), "{}", ran.result["failures"]);
        let asked = server.asked().len() as u64;
        assert_eq!(
            (requests(&ran.result, "a"), row["status"][status.to_string()].as_u64()),
            (asked, Some(asked))
        );
        let message = ran.result["failures"][0]["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert!(
            server.asked().iter().all(|asked| kind == "protocol" || asked.connection == 0),
            "the answer was whole"
        );
        let tried = crate::support::Running::start({
            let mut command = crate::support::plimsoll();
            command.arg("try").arg(scratch.path("plan.yaml"));
            command
        })
        .finish();
        assert!(tried.stdout.contains(&format!("< {status} ")), "try shows the answer: {}", tried.stdout);
        for secret in ["hunter2", "t0p", "secr3t"] {
            assert!(
                !tried.stdout.contains(secret) && !ran.result.to_string().contains(secret),
                "{secret}: {}",
                tried.stdout
            );
        }
    }
}

/// 300 leaves the choice to a person, 304 to a cache; both are answers.
#[test]
fn not_every_3xx_is_a_redirect() {
    for status in [300, 304, 305, 306] {
        let answer = format!("HTTP/1.1 {status} Else\r\nlocation: /no\r\ncontent-length: 0\r\n\r\n");
        let server = RawServer::start(move |_| Answer::of(&answer));
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: GET /go }} }}\nload: {{ users: 1, iterations: 1 }}\n\
             thresholds: [errors < 1%]\n",
            server.url
        );
        let ran = Scratch::new().run(&plan, &[]);
        ran.done.assert_code(0);
        assert_eq!(server.paths(), ["/go"], "{status}");
    }
}

/// What a target puts into a redirect may hold credentials: no message, example or trace of the hop shows them.
#[test]
fn credentials_of_a_location_are_shown_nowhere() {
    let server = RawServer::start(|asked| match asked.path() {
        "/go" => {
            Answer::of("HTTP/1.1 302 F\r\nlocation: /cb?token=t0psecret&page=2\r\ncontent-length: 0\r\n\r\n")
        }
        "/far" => Answer::of(format!(
            "HTTP/1.1 302 F\r\nlocation: https://sso.example/{}/hunter2hunter2hunter2\r\ncontent-length: 0\r\n\r\n",
            "x".repeat(90)
        )),
        _ => Answer::of("HTTP/1.1 500 E\r\ncontent-length: 0\r\n\r\n"),
    });
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nsecrets: {{ key: {{ env: KEY }} }}\nload: {{ users: 1, iterations: 6 }}\n\
         endpoints: {{ near: {{ request: GET /go }}, far: {{ request: GET /far, headers: {{ x-key: '{{{{ secrets.key }}}}' }} }} }}\n",
        server.url
    );
    let environment = [("KEY", "hunter2hunter2hunter2")];
    for arguments in [&["--seed", "3"][..], &["--seed", "4"]] {
        let ran = Scratch::new().run_with(&plan, arguments, &environment);
        let shown = format!("{}{}{}", ran.result, ran.done.stdout, ran.done.stderr);
        assert!(shown.contains("/cb?token=***&page=2") && shown.contains("sso.example"), "{shown}");
        assert!(!shown.contains("t0psecret") && !shown.contains("hunter2"), "{shown}");
    }
    let mut command = plimsoll();
    let scratch = Scratch::new();
    command.arg("try").arg(scratch.write("plan.yaml", &plan)).envs(environment);
    let done = Running::start(command).finish();
    assert!(done.stdout.contains("/cb?token=***") && !done.stdout.contains("t0psecret"), "{}", done.stdout);
    assert!(!done.stdout.contains("hunter2"), "{}", done.stdout);
}

/// A server that is asked for another name than the target's calls itself by that name, and keeps being asked so.
#[test]
fn the_header_host_stays_and_is_the_same_place() {
    let server = RawServer::start(|asked| match asked.path() {
        "/go" => {
            Answer::of("HTTP/1.1 302 F\r\nlocation: http://shop.example/next\r\ncontent-length: 0\r\n\r\n")
        }
        "/next" => Answer::of("HTTP/1.1 302 F\r\nlocation: last\r\ncontent-length: 0\r\n\r\n"),
        _ => Answer::of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    });
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nvariables: {{ n: 7 }}\nthresholds: [errors < 1%]\nload: {{ users: 1, iterations: 1 }}\n\
         endpoints: {{ a: {{ request: POST /go, text: '{{{{ uuid() }}}}', headers: {{ host: shop.example, x-id: '{{{{ uuid() }}}}' }}, cookies: {{ c: '{{{{ n }}}}' }} }} }}\n",
        server.url
    );
    let ran = Scratch::new().run(&plan, &[]);
    ran.done.assert_code(0);
    assert_eq!(server.paths(), ["/go", "/next", "/last"]);
    let asked = server.asked();
    for next in &asked {
        assert_eq!((next.header("host"), next.header("cookie")), (Some("shop.example"), Some("c=7")));
        assert_eq!(next.header("x-id"), asked[0].header("x-id"), "what was rendered stays as it was");
    }
    assert_eq!((asked[1].method(), asked[1].header("content-length")), ("GET", None));
}

/// Whole bodies again after 307 and 308, whatever they are made of.
#[test]
fn bodies_are_sent_again_where_the_method_stays() {
    let scratch = Scratch::new();
    scratch.write("data.bin", &"0123456789".repeat(20_000));
    for (status, body) in [
        (307, "file: data.bin"),
        (308, "multipart: { field: \"{{ uuid() }}\", data: { file: data.bin } }"),
        (307, "text: \"{{ uuid() }}\""),
        (308, "form: { ids: [] }"),
    ] {
        let server = RawServer::start(move |asked| match asked.path() {
            "/go" => Answer::of(format!("HTTP/1.1 {status} E\r\nlocation: /to\r\ncontent-length: 0\r\n\r\n")),
            _ => Answer::of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
        });
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nendpoints: {{ a: {{ request: PUT /go, {body} }} }}\nload: {{ users: 1, iterations: 1 }}\n\
             thresholds: [errors < 1%]\n",
            server.url
        );
        scratch.run(&plan, &[]).done.assert_code(0);
        let asked = server.asked();
        assert_eq!(server.paths(), ["/go", "/to"]);
        assert_eq!((asked[0].method(), &asked[0].body), (asked[1].method(), &asked[1].body), "{body}");
        for header in ["content-type", "content-length"] {
            assert_eq!(asked[0].header(header), asked[1].header(header), "{body}");
        }
    }
}

/// A header that holds a secret is a credential, whatever its name.
#[test]
fn secrets_do_not_go_to_another_place() {
    let (server, other) = (FaultServer::start(), FaultServer::start());
    let plan = format!(
        "plan: 1\ntargets: {{ main: \"{0}\", other: \"{1}\" }}\nsecrets: {{ team: {{ env: TEAM }} }}\n\
         http: {{ headers: {{ x-team: \"team {{{{ secrets.team }}}}\", x-open: \"yes\" }} }}\n\
         endpoints: {{ a: {{ request: \"GET /redirect/302/{1}/ok\" }} }}\nload: {{ users: 1, iterations: 1 }}\n\
         thresholds: [errors < 1%]\n",
        server.url, other.url
    );
    let ran = Scratch::new().run_with(&plan, &[], &[("TEAM", "s3cr3t-of-the-team")]);
    ran.done.assert_code(0);
    let seen = &other.log.of("/ok")[0];
    assert_eq!((seen.header("x-team"), seen.header("x-open")), (None, Some("yes")));
}

#[test]
fn in_toml_for_every_request() {
    let server = FaultServer::start();
    let scratch = Scratch::new();
    let text = format!(
        "plan = 1\ntarget = \"{}\"\nload = {{ users = 1, iterations = 2 }}\nhttp.redirects = 2\n\
         [endpoints.a]\nrequest = \"GET /redirect/308/%2Fno\"\nredirects = 0\n\
         [endpoints.b]\nrequest = \"GET /redirect/301//ok\"\nweight = 1\n",
        server.url
    );
    let path = scratch.write("plan.toml", &text);
    let done = crate::support::Running::start({
        let mut command = crate::support::plimsoll();
        command.args(["run", "--allow-invalid", "--json"]).arg(scratch.path("r.json")).arg(path);
        command
    })
    .finish();
    done.assert_code(0);
    assert_eq!(server.log.count("/ok"), 2);
}
