//! What each path does.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Log, Seen, cookies, floods, kept, oauth, odd};

/// Long beyond every time limit of the tests; the client goes first.
const FOREVER: Duration = Duration::from_secs(600);
/// Time for what was written to arrive before a reset follows it.
pub const ON_ITS_WAY: Duration = Duration::from_millis(30);
/// Requests after which `/expiring` accepts the first token no more.
const ACCEPTED: usize = 10;

/// Answers, well or not; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, seen: &Seen, log: &Log) -> io::Result<bool> {
    if let Some(status) = seen.route().strip_prefix("/status/") {
        return reply(stream, status.parse().unwrap(), r#"{"detail":"as asked"}"#).await;
    }
    if let Some(ms) = seen.route().strip_prefix("/slow/") {
        tokio::time::sleep(std::time::Duration::from_millis(ms.parse().unwrap())).await;
        return reply(stream, 200, "{}").await;
    }
    if let Some(times) = seen.route().strip_prefix("/slow-from/") {
        return slow_for_a_while(stream, times, log).await;
    }
    if let Some(times) = seen.route().strip_prefix("/done-after/") {
        let done = log.count(seen.route()) > times.parse().unwrap();
        let body = json!({ "status": if done { "done" } else { "running" }, "ids": ["a", "b", "c"] });
        return reply(stream, 200, &body.to_string()).await;
    }
    if let Some(to) = seen.path.strip_prefix("/redirect/") {
        return redirect(stream, to).await;
    }
    match seen.route() {
        "/echo" => echo(stream, seen, 200).await,
        "/echo-400" => echo(stream, seen, 400).await,
        // The body alone, as it came.
        "/mirror" => reply(stream, 200, &String::from_utf8_lossy(&seen.body)).await,
        "/wrong-json" => reply(stream, 200, r#"{"broken": "#).await,
        path if path.starts_with("/oauth/") => oauth::answer(stream, seen, log).await,
        path if path.starts_with("/set/") => cookies::answer(stream, seen).await,
        path if path.starts_with("/flood/") => floods::answer(stream, &path["/flood/".len()..]).await,
        path if path.starts_with("/kept/") => kept::answer(stream, seen, log).await,
        path if path.starts_with("/odd/") => odd::answer(stream, path).await,
        "/early-close" => reply(stream, 200, "{}").await.map(|_| false),
        "/login" => {
            let body = json!({ "token": format!("token-{}", log.count("/login")), "ttl": 600 });
            reply(stream, 200, &body.to_string()).await
        }
        "/unauthorized-once" => {
            let first = log.count("/unauthorized-once") == 1;
            reply(stream, if first { 401 } else { 200 }, "{}").await
        }
        "/once-then-500" => {
            let first = log.count("/once-then-500") == 1;
            reply(stream, if first { 200 } else { 500 }, r#"{"id":"one"}"#).await
        }
        "/expiring" => {
            let old = seen.header("authorization") == Some("Bearer token-1");
            let spent = log.of("/expiring").len() > ACCEPTED;
            reply(stream, if old && spent { 401 } else { 200 }, "{}").await
        }
        "/ok" => reply(stream, 200, r#"{"ok":true,"items":[{"id":"a-1","size":7}]}"#).await,
        path if path.starts_with("/items/") => reply(stream, 200, "{}").await,
        _ => misbehave(stream, seen.route()).await.map(|()| false),
    }
}

/// A whole response; the connection goes on.
pub async fn reply(stream: &mut TcpStream, status: u16, body: &str) -> io::Result<bool> {
    let head = format!(
        "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    Ok(true)
}

/// `STATUS/LOCATION`; the location `self` leads to the same path again.
async fn redirect(stream: &mut TcpStream, to: &str) -> io::Result<bool> {
    let (status, location) = to.split_once('/').unwrap();
    let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    Ok(true)
}

/// `FROM/TO/BY`, ms: that much slower from the one time after the server's first request to the other.
async fn slow_for_a_while(stream: &mut TcpStream, times: &str, log: &Log) -> io::Result<bool> {
    let times: Vec<_> = times.split('/').map(|ms| Duration::from_millis(ms.parse().unwrap())).collect();
    if (times[0]..times[1]).contains(&log.age()) {
        tokio::time::sleep(times[2]).await;
    }
    reply(stream, 200, "{}").await
}

/// Everything received, sent back.
async fn echo(stream: &mut TcpStream, seen: &Seen, status: u16) -> io::Result<bool> {
    let text = String::from_utf8_lossy(&seen.body);
    let body = json!({ "path": seen.path, "headers": seen.headers, "body": text });
    let raw = format!("{body}\n{}\n{:?}\n{text}", seen.path, seen.headers);
    reply(stream, status, &raw).await
}

/// What ends a connection.
async fn misbehave(stream: &mut TcpStream, route: &str) -> io::Result<()> {
    match route {
        "/reset" => stream.set_zero_linger(),
        "/reset-mid-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this").await?;
            tokio::time::sleep(ON_ITS_WAY).await;
            stream.set_zero_linger()
        }
        "/close-before-headers" => Ok(()),
        "/close-mid-head" => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-ty").await,
        "/close-mid-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this").await
        }
        "/truncated-chunked" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n").await
        }
        "/bad-chunk" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n").await?;
            stall().await
        }
        "/slow-head" => stall().await,
        "/slow-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this").await?;
            stall().await
        }
        "/garbage" => {
            stream.write_all(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n").await?;
            stall().await
        }
        _ => overflow(stream, route).await,
    }
}

/// Answers without measure.
async fn overflow(stream: &mut TcpStream, route: &str) -> io::Result<()> {
    match route {
        "/many-headers" => {
            let headers: String = (0..10_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
            stream
                .write_all(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n").as_bytes())
                .await?;
            stall().await
        }
        "/huge-header" => {
            let value = "x".repeat(500 << 10);
            let head = format!("HTTP/1.1 200 OK\r\nx-huge: {value}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stall().await
        }
        "/dripping-1xx" => loop {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
            tokio::time::sleep(ON_ITS_WAY).await;
        },
        "/endless-100" => loop {
            stream.write_all(&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(100)).await?;
        },
        "/endless-1xx" => loop {
            stream.write_all(&b"HTTP/1.1 102 Processing\r\n\r\n".repeat(100)).await?;
        },
        "/endless-head" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n").await?;
            loop {
                stream.write_all(&b"x-more: more and more\r\n".repeat(100)).await?;
            }
        }
        "/endless-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await?;
            let chunk = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).await?;
            }
        }
        unknown => panic!("no such fault: {unknown}"),
    }
}

/// What does not wait for the request's body.
pub async fn before_the_body(stream: &mut TcpStream, route: &str) -> io::Result<()> {
    match route {
        // Refuses, and never reads it.
        "/early-answer" => {
            reply(stream, 413, "{}").await?;
            stall().await
        }
        "/never-reads" => stall().await,
        // Closes with most of it unread, which resets the connection.
        "/stop-reading" => {
            tokio::time::sleep(ON_ITS_WAY).await;
            Ok(())
        }
        unknown => panic!("no such fault: {unknown}"),
    }
}

/// What servers answer to TLS on a port without it.
pub async fn not_here(stream: &mut TcpStream) -> io::Result<bool> {
    reply(stream, 400, "plain HTTP was expected").await
}

async fn stall() -> io::Result<()> {
    tokio::time::sleep(FOREVER).await;
    Ok(())
}
