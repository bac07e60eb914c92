//! Answers without a pause, with client, server and everybody else on one thread, so that counts depend on no other.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::keep_gate;
use super::*;

/// What comes of an answer, and how often the thread looked at its sockets meanwhile.
fn answered_with(answer: Vec<u8>, keep: Keep) -> (Result<Reply, ExchangeError>, u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await;
            // The client may go before the end.
            let _ = stream.write_all(&answer).await;
            let _ = stream.read(&mut [0; 1024]).await;
        });
        tokio::task::spawn_local(keep_gate());
        let passes = Rc::new(std::cell::Cell::new(0));
        let counted = passes.clone();
        tokio::task::spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut connection = Connection::new(Stream::Plain(stream)).await.unwrap();
        let request = Request::get("/").body(Full::new(Bytes::new())).unwrap();
        let before = passes.get();
        let result = connection.exchange(&mut Some(request), keep, &mut Deadline::default()).await;
        (result, passes.get() - before)
    })
}

fn chunked(parts: &[u8]) -> Vec<u8> {
    [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".as_slice(), parts].concat()
}

#[test]
fn tiny_chunks_leave_time_for_others() {
    const CHUNKS: usize = 200_000;
    for keep in [Keep::Nothing, Keep::Body] {
        let answer = chunked(&[b"1\r\na\r\n".repeat(CHUNKS).as_slice(), b"0\r\n\r\n"].concat());
        let (reply, passes) = answered_with(answer, keep);
        let reply = reply.unwrap();
        assert_eq!((reply.status, reply.size), (200, CHUNKS as u64));
        assert_eq!(reply.body.len(), if keep == Keep::Body { CHUNKS } else { 0 });
        assert!(passes >= 300, "{passes} turns of others");
    }
}

#[test]
fn what_is_no_part_of_a_body_leaves_time_for_others() {
    for (padding, end) in [(b"0", "1\r\na\r\n0\r\n\r\n"), (b" ", "\r\na\r\n0\r\n\r\n")] {
        let first: &[u8] = if padding == b" " { b"1" } else { b"" };
        let answer = chunked(&[first, padding.repeat(1 << 20).as_slice(), end.as_bytes()].concat());
        let (reply, passes) = answered_with(answer, Keep::Nothing);
        assert_eq!(reply.unwrap().size, 1);
        assert!(passes >= 4, "{passes} turns of others");
    }
}

#[test]
fn interim_responses_have_an_end() {
    let answer = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(100_000);
    let (reply, passes) = answered_with(answer, Keep::Nothing);
    assert_eq!(reply.unwrap_err().kind, Failure::Protocol);
    assert!(passes >= 3, "{passes} turns of others");
    let some = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(20_000);
    let answer = [some.as_slice(), b"HTTP/1.1 204 No Content\r\n\r\n"].concat();
    assert_eq!(answered_with(answer, Keep::Nothing).0.unwrap().status, 204, "less than the limit");
}
