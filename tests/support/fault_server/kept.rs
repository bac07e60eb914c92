//! Connections that are kept for a while: `/kept/HOW`.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::faults::reply;
use super::{Log, Seen};

/// Well below the pauses of the tests.
const A_MOMENT: Duration = Duration::from_millis(50);

/// Answers the first request of a connection; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, seen: &Seen, log: &Log) -> io::Result<bool> {
    let how = seen.route().strip_prefix("/kept/").unwrap();
    let is_first = log.all().iter().filter(|other| other.connection == seen.connection).count() == 1;
    match how.split_once('/') {
        Some(("timeout", seconds)) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nKeep-Alive: timeout={seconds}, max=99\r\ncontent-length: 2\r\n\r\n{{}}"
            );
            stream.write_all(head.as_bytes()).await.map(|()| true)
        }
        _ if is_first && how == "for-a-moment" => {
            reply(stream, 200, "{}").await?;
            tokio::time::sleep(A_MOMENT).await;
            Ok(false)
        }
        _ if is_first => reply(stream, 200, "{}").await,
        // As if it had been closed while the request was on its way.
        _ => {
            if how == "reset" {
                stream.set_zero_linger()?;
            }
            Ok(false)
        }
    }
}
