//! Answers that are unusual and yet right, and servers that send more than was asked for.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::faults::{ON_ITS_WAY, reply};

/// After an answer, and well before the next request.
const SOON: Duration = Duration::from_millis(3);

/// Answers; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, path: &str) -> io::Result<bool> {
    let (text, goes_on): (&[u8], bool) = match path {
        "/odd/connection-close" => {
            (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}", false)
        }
        "/odd/close-soon" => {
            reply(stream, 200, "{}").await?;
            tokio::time::sleep(SOON).await;
            return Ok(false);
        }
        // Its body ends with the connection.
        "/odd/http-1.0" => (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", false),
        "/odd/http-1.0-length" => (b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}", false),
        "/odd/http-1.0-keep-alive" => {
            (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}", true)
        }
        // The length of the body a GET would have had.
        "/odd/head" => (b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", true),
        "/odd/304" => (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n", true),
        "/odd/204" => (b"HTTP/1.1 204 No Content\r\n\r\n", true),
        "/odd/continue" => {
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", true)
        }
        "/odd/no-length" => (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", false),
        // More than announced: what is left over looks like the answer to the next request.
        "/odd/too-long" => (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 500 Not Asked\r\ncontent-length: 0\r\n\r\n",
            true,
        ),
        "/odd/unasked" => {
            reply(stream, 200, "{}").await?;
            tokio::time::sleep(ON_ITS_WAY).await;
            (b"HTTP/1.1 500 Not Asked\r\ncontent-length: 0\r\n\r\n", true)
        }
        "/odd/idle-408" => {
            reply(stream, 200, "{}").await?;
            tokio::time::sleep(ON_ITS_WAY).await;
            (b"HTTP/1.1 408 Request Time-out\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", false)
        }
        unknown => panic!("no such answer: {unknown}"),
    };
    stream.write_all(text).await?;
    Ok(goes_on)
}
