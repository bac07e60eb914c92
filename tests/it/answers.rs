//! Answers byte by byte: what is unusual and right is an answer, what no answer may be is a failure that says why.

use std::time::{Duration, Instant};

use crate::support::raw_server::{Answer, RawServer};
use crate::support::{Scratch, check_accounting, row};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use plimsoll::failure::Failure;
use plimsoll::http::{
    Addresses, Connection, Connector, Deadline, ExchangeError, Keep, Reply, Target, Timing, Visitor,
};
use serde_json::json;

/// What comes of an answer.
enum Is {
    /// An answer with this status and body, after which the connection goes on.
    Right(u16, &'static str),
    /// The same, and the connection ends with it.
    Last(u16, &'static str),
    /// A failure of this kind whose words hold that.
    Wrong(Failure, &'static str),
}
use Is::{Last, Right, Wrong};

struct Client {
    connection: Connection,
    deadline: Deadline,
}

impl Client {
    async fn connect(url: &str) -> Self {
        let target = Target::parse("t", url).unwrap();
        let mut deadline = Deadline::default();
        deadline.set(Instant::now() + Duration::from_secs(30));
        let (addresses, mut timing) = (Addresses::default(), Timing::starting(Instant::now()));
        let mut visitor = Visitor::default();
        let opened =
            Connector::new(None).open(&target, &addresses, &mut visitor, &mut timing, &mut deadline).await;
        Self { connection: Connection::new(opened.unwrap()).await.unwrap(), deadline }
    }

    async fn ask(&mut self, method: Method, body: Bytes) -> Result<Reply, ExchangeError> {
        let request = Request::builder().method(method).uri("/").body(Full::new(body)).unwrap();
        let reply = self.connection.exchange(&mut Some(request), Keep::Body, &mut self.deadline).await;
        self.connection.rest(Instant::now());
        reply
    }

    async fn is_usable(&mut self) -> bool {
        // As if it had been idle for long.
        let later = Instant::now() + Duration::from_secs(1);
        self.connection.is_usable(later, &mut self.deadline).await
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Asks once for what is answered with `bytes`.
#[track_caller]
fn check(name: &str, method: &Method, answer: Answer, expected: &Is) {
    let server = RawServer::start(move |_| answer.clone());
    runtime().block_on(async {
        let mut client = Client::connect(&server.url).await;
        let result = client.ask(method.clone(), Bytes::new()).await;
        match (expected, &result) {
            (Right(status, body) | Last(status, body), Ok(reply)) => {
                assert_eq!((reply.status, &*reply.body), (*status, body.as_bytes()), "{name}");
                let goes_on = matches!(expected, Right(..));
                assert_eq!(client.is_usable().await, goes_on, "{name}: whether the connection goes on");
                assert_eq!(client.connection.unasked(), None, "{name}");
            }
            (Wrong(kind, words), Err(error)) => {
                assert_eq!(error.kind, *kind, "{name}: {error:?}");
                assert!(error.message.contains(words), "{name}: {error:?}");
                assert!(!error.message.contains(char::is_control), "{name}: {error:?}");
            }
            _ => panic!("{name}: {result:?}"),
        }
    });
}

const P: Failure = Failure::Protocol;

/// Headers and body of an answer of status 200.
fn ok(rest: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{rest}").into_bytes()
}

#[test]
fn each_is_right_or_says_what_is_wrong() {
    let other = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";
    let after = "followed by bytes";
    let cases: Vec<(&str, Vec<u8>, Is)> = vec![
        ("bytes after it", ok("content-length: 3\r\n\r\nabcEXTRA BYTES HERE"), Wrong(P, after)),
        ("a line break after it", ok("content-length: 3\r\n\r\nabc\r\n"), Wrong(P, after)),
        ("another answer", ok(&format!("content-length: 3\r\n\r\nabc{other}")), Wrong(P, "another answer")),
        (
            "bytes after the last chunk",
            ok("transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nmore"),
            Wrong(P, after),
        ),
        ("bytes after no body", ok("content-length: 0\r\n\r\nabc"), Wrong(P, after)),
        (
            "bytes after an answer that closes",
            ok("connection: close\r\ncontent-length: 3\r\n\r\nabcmore"),
            Wrong(P, after),
        ),
        ("204 with a body", b"HTTP/1.1 204 No\r\ncontent-length: 3\r\n\r\nabc".to_vec(), Wrong(P, after)),
        ("304 with a length", b"HTTP/1.1 304 NM\r\ncontent-length: 3\r\n\r\n".to_vec(), Right(304, "")),
        ("304 with a body", b"HTTP/1.1 304 NM\r\ncontent-length: 3\r\n\r\nabc".to_vec(), Wrong(P, after)),
        ("205", b"HTTP/1.1 205 R\r\ncontent-length: 0\r\n\r\n".to_vec(), Right(205, "")),
        (
            "101",
            b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec(),
            Wrong(P, "switches protocols (status 101)"),
        ),
        (
            "103, then the answer",
            b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
                .to_vec(),
            Right(200, "ok"),
        ),
        (
            "two lengths",
            ok("content-length: 3\r\ncontent-length: 5\r\n\r\nabcde"),
            Wrong(P, "content-length"),
        ),
        ("one length twice", ok("content-length: 3\r\ncontent-length: 3\r\n\r\nabc"), Right(200, "abc")),
        ("a negative length", ok("content-length: -3\r\n\r\nabc"), Wrong(P, "content-length")),
        ("a length with a sign", ok("content-length: +3\r\n\r\nabc"), Wrong(P, "content-length")),
        (
            "a length that is no number of ours",
            ok("content-length: 99999999999999999999999\r\n\r\nabc"),
            Wrong(P, "content-length"),
        ),
        (
            "the largest length",
            ok("content-length: 18446744073709551615\r\n\r\nabc"),
            Wrong(P, "content-length"),
        ),
        // Chunks override a length (RFC 9112, section 6.3).
        (
            "a length and chunks",
            ok("content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"),
            Right(200, "abcd"),
        ),
        (
            "a chunk without length",
            ok("transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
            Wrong(P, "framing"),
        ),
        (
            "a chunk that is too large",
            ok("transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabc"),
            Wrong(P, "framing"),
        ),
        (
            "NUL in a value",
            ok("x-a: a\0b\r\ncontent-length: 3\r\n\r\nabc"),
            Wrong(P, "value of the header `x-a`"),
        ),
        ("NUL in a name", ok("x-\0: ab\r\ncontent-length: 3\r\n\r\nabc"), Wrong(P, "header name `x-\\x00`")),
        (
            "CR in a value",
            ok("x-a: a\rb\r\ncontent-length: 3\r\n\r\nabc"),
            Wrong(P, "value of the header `x-a`"),
        ),
        ("a space after a name", ok("x-a : b\r\n\r\n"), Wrong(P, "header name `x-a ` holds a space")),
        ("a line without colon", ok("x-a: b\r\nnothing\r\n\r\n"), Wrong(P, "header line 2")),
        ("a status of letters", b"HTTP/1.1 2x0 OK\r\n\r\n".to_vec(), Wrong(P, "status")),
        ("a status of one digit", b"HTTP/1.1 9 OK\r\n\r\n".to_vec(), Wrong(P, "status")),
        ("status 000", b"HTTP/1.1 000 OK\r\ncontent-length: 3\r\n\r\nabc".to_vec(), Wrong(P, "status")),
        ("status 999", b"HTTP/1.1 999 Odd\r\ncontent-length: 3\r\n\r\nabc".to_vec(), Right(999, "abc")),
        ("HTTP/2.0", b"HTTP/2.0 200 OK\r\ncontent-length: 3\r\n\r\nabc".to_vec(), Wrong(P, "version")),
        ("HTTP/0.9", b"hello world\n".to_vec(), Wrong(P, "version")),
    ];
    for (name, bytes, expected) in cases {
        check(name, &Method::GET, Answer::of(bytes), &expected);
    }
}

#[test]
fn an_end_of_the_connection_is_told_from_a_wrong_answer() {
    let closing = |bytes: &[u8]| Answer::of(bytes).closing(Duration::ZERO);
    let chunked = "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for (name, answer, expected) in [
        ("until the end", closing(b"HTTP/1.1 200 OK\r\n\r\nabc"), Last(200, "abc")),
        ("HTTP/1.0", closing(b"HTTP/1.0 200 OK\r\n\r\nabc"), Last(200, "abc")),
        ("too short", closing(&ok("content-length: 100\r\n\r\nabc")), Wrong(Failure::ClosedMidBody, "")),
        ("no last chunk", closing(&ok(chunked)), Wrong(Failure::ClosedMidBody, "")),
        (
            "no end of the last chunk",
            closing(&ok(&format!("{chunked}0\r\n"))),
            Wrong(Failure::ClosedMidBody, ""),
        ),
        ("half a status line", closing(b"HTTP/1.1 20"), Wrong(Failure::ClosedBeforeHeaders, "")),
        ("half a head", closing(&ok("content-le")), Wrong(Failure::ClosedBeforeHeaders, "")),
        ("nothing", closing(b""), Wrong(Failure::ClosedBeforeHeaders, "")),
    ] {
        check(name, &Method::GET, answer, &expected);
    }
}

#[test]
fn an_answer_to_head_has_no_body() {
    let answer = || Answer::of(ok("content-length: 1000\r\n\r\n"));
    check("only its length", &Method::HEAD, answer(), &Right(200, ""));
    let with_body = Answer::of(ok("content-length: 3\r\n\r\nabc"));
    check("with a body", &Method::HEAD, with_body, &Wrong(P, "followed by bytes"));
}

/// RFC 9112, section 5.2: a user agent takes a folded line as one with spaces.
#[test]
fn folded_headers_are_read_on_every_connection_and_in_any_pieces() {
    let head = "X-Policy: \n    default-src 'self';\r\n\tscript-src 'self'\r\nx-b: 1\r\ncontent-length: 5\r\n\r\nhello";
    let whole = ok(head);
    for cut in [0, 20, 30, 60, whole.len() - 7, whole.len() - 2] {
        let (first, rest) = whole.split_at(cut);
        let (first, rest) = (first.to_vec(), rest.to_vec());
        let server = RawServer::start(move |_| match first.is_empty() {
            true => Answer::of(&rest),
            false => Answer::of(&first).then(Duration::from_millis(5), &rest),
        });
        runtime().block_on(async {
            let mut client = Client::connect(&server.url).await;
            for _ in 0..3 {
                let reply = client.ask(Method::GET, Bytes::new()).await.unwrap();
                let value = reply.headers.get("x-policy").unwrap().to_str().unwrap();
                assert_eq!(
                    value.split_whitespace().collect::<Vec<_>>().join(" "),
                    "default-src 'self'; script-src 'self'"
                );
                assert!(!value.contains(['\r', '\n']), "{value:?}");
                assert_eq!((&reply.headers["x-b"], &*reply.body), (&"1".parse().unwrap(), &b"hello"[..]));
                assert!(client.is_usable().await, "cut at {cut}");
            }
            let asked = server.asked();
            assert_eq!(asked.len(), 3, "each is asked for once");
            assert!(asked.iter().all(|asked| asked.connection == 0), "on one connection");
        });
    }
}

#[test]
fn folded_headers_of_an_answer_to_head() {
    let answer = Answer::of(ok("x-a: b\r\n c\r\ncontent-length: 1000\r\n\r\n"));
    check("folded, HEAD", &Method::HEAD, answer, &Right(200, ""));
}

#[test]
fn what_is_folded_is_no_excuse_for_what_is_wrong() {
    let cases = [
        ("x-a: b\r\n c\r\nx-d: e\0f\r\n\r\n", "value of the header `x-d`"),
        ("x-a: b\r\n c\x1b\r\n\r\n", "value of the header `x-a` holds the byte 0x1b"),
        (" x-a: b\r\n\r\n", "first header begins with a space"),
        // The length is wrong, so what follows it is no head.
        (
            "content-length: -1\r\n\r\nHTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok",
            "content-length",
        ),
    ];
    for (headers, words) in cases {
        check(headers, &Method::GET, Answer::of(ok(headers)), &Wrong(P, words));
    }
}

#[test]
fn headers_are_counted_far_beyond_a_hundred() {
    let head = |lines: usize| {
        let lines: String = (0..lines).map(|n| format!("set-cookie: c{n}=v\r\n")).collect();
        ok(&format!("{lines}content-length: 2\r\n\r\nok"))
    };
    for lines in [90, 99, 100, 110, 4_999] {
        check(&format!("{lines} lines"), &Method::GET, Answer::of(head(lines)), &Right(200, "ok"));
    }
    check("5 001 lines", &Method::GET, Answer::of(head(5_000)), &Wrong(P, "more than 5000 header lines"));
    let large = ok(&format!("x-large: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(500 << 10)));
    check("a large header", &Method::GET, Answer::of(large), &Wrong(P, "larger than 408 KiB"));
    let both =
        ok(&format!("{}content-length: 0\r\n\r\n", format!("x-a: {}\r\n", "x".repeat(1000)).repeat(500)));
    check("both", &Method::GET, Answer::of(both), &Wrong(P, "larger than 408 KiB"));
}

#[test]
fn bytes_on_an_idle_connection_are_found_before_the_next_request() {
    let again = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong";
    let late = "HTTP/1.1 408 Request Time-out\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for (extra, what) in
        [(again, Some("an answer")), ("abc", Some("bytes that belong to no answer")), (late, None)]
    {
        for just_used in [false, true] {
            let server = RawServer::start(move |_| {
                Answer::of(ok("content-length: 2\r\n\r\nok")).then(Duration::from_millis(20), extra)
            });
            runtime().block_on(async {
                let mut client = Client::connect(&server.url).await;
                assert_eq!(client.ask(Method::GET, Bytes::new()).await.unwrap().status, 200);
                while server.answered() == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                // From there through the system to here.
                tokio::time::sleep(Duration::from_millis(50)).await;
                if just_used {
                    let request = Request::new(Full::new(Bytes::new()));
                    let mut slot = Some(request);
                    let result =
                        client.connection.exchange(&mut slot, Keep::Body, &mut client.deadline).await;
                    assert!(result.is_err() && slot.is_some(), "handed back unsent: {result:?}");
                } else {
                    assert!(!client.is_usable().await, "{extra}");
                }
                assert_eq!(client.connection.unasked().as_deref(), what, "{extra}");
            });
            assert_eq!(server.asked().len(), 1, "nothing was asked on it again");
        }
    }
}

#[test]
fn none_of_it_passes() {
    let server = RawServer::start(|asked| {
        Answer::of(match asked.path() {
            "/extra" => ok("content-length: 3\r\n\r\nabcEXTRA BYTES HERE"),
            _ => b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec(),
        })
    });
    for (path, status) in [("extra", "200"), ("101", "101")] {
        let plan = format!(
            "plan: 1\ntarget: \"{}\"\nload: {{ users: 1, iterations: 5 }}\nthresholds: [errors == 0]\n\
             endpoints: {{ '{path}': {{ request: GET /{path} }} }}\n",
            server.url
        );
        let ran = Scratch::new().run(&plan, &[]);
        ran.done.assert_code(1);
        check_accounting(&ran.result);
        let row = row(&ran.result, path);
        assert_eq!(
            (&row["failure_kinds"], &row["status"]),
            (&json!({ "protocol": 5 }), &json!({ status: 5 }))
        );
    }
}
