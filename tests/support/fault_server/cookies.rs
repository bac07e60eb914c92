//! Answers that set cookies: `/set/ANYTHING?c=LINE&c=LINE&to=LOCATION`, percent-encoded; with `to` a redirect.

use std::io;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::Seen;

/// Answers; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, seen: &Seen) -> io::Result<bool> {
    let query = seen.path.split_once('?').map_or("", |(_, query)| query);
    let (mut status, mut head) = ("200 OK", String::new());
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
        match name {
            "c" => head += &format!("set-cookie: {value}\r\n"),
            "to" => {
                status = "302 Elsewhere";
                head += &format!("location: {value}\r\n");
            }
            // A value that makes requests of different users differ.
            _ => {}
        }
    }
    let body = json!({ "status": "done", "sent": seen.header("cookie") }).to_string();
    let head = format!("HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(head.as_bytes()).await?;
    Ok(true)
}
