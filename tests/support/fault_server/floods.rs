//! Answers without a pause in parts that are as small as can be: `/flood/WHAT`.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Answers, `chunks/COUNT` to its end and all others without one; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, what: &str) -> io::Result<bool> {
    stream.write_all(CHUNKED).await?;
    if let Some(count) = what.strip_prefix("chunks/") {
        stream.write_all(&b"1\r\na\r\n".repeat(count.parse().unwrap())).await?;
        stream.write_all(b"0\r\n\r\n").await?;
        return Ok(true);
    }
    let (first, again): (&[u8], &[u8]) = match what {
        "chunks" => (b"", b"1\r\na\r\n"),
        // The size of a chunk that never comes.
        "size" => (b"", b"0"),
        "spaces" => (b"1", b" "),
        "extension" => (b"1;", b"x"),
        "trailers" => (b"1\r\na\r\n0\r\n", b"x-more: x\r\n"),
        unknown => panic!("no such flood: {unknown}"),
    };
    stream.write_all(first).await?;
    loop {
        stream.write_all(&again.repeat(10_000)).await?;
    }
}
