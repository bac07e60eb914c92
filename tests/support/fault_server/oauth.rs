//! Token endpoints of OAuth 2.0, good and odd ones: `/oauth/KIND`. The n-th token of the server is `token-N`.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;

use super::faults::reply;
use super::{Log, Seen};

/// Long enough for others to meet a 401 meanwhile.
const THINKING: Duration = Duration::from_millis(100);

/// Answers; whether the connection goes on.
pub async fn answer(stream: &mut TcpStream, seen: &Seen, log: &Log) -> io::Result<bool> {
    let kind = seen.route().strip_prefix("/oauth/").unwrap();
    let token = format!("token-{}", log.all().iter().filter(|s| s.route().starts_with("/oauth/")).count());
    let body = match kind {
        "token" => json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }),
        "slow" => {
            tokio::time::sleep(THINKING).await;
            json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 })
        }
        "long" => {
            json!({ "access_token": format!("a-long-{}", token.replace("token", "token-of-oauth")), "token_type": "bearer" })
        }
        // Renewed after 80 % of 1.5 s; a number in a text, and no type, as some services do it.
        "short" => json!({ "access_token": token, "expires_in": "1.5" }),
        "for-ever" => json!({ "access_token": token, "token_type": "Bearer" }),
        "mac" => json!({ "access_token": token, "token_type": "mac", "expires_in": 3600 }),
        "empty" => json!({ "access_token": "", "token_type": "Bearer" }),
        "refused" => {
            let words = format!("no client {:?} {}", seen.headers, seen.text());
            let body = json!({ "error": "invalid_client", "error_description": words });
            return reply(stream, 401, &body.to_string()).await;
        }
        unknown => panic!("no such token endpoint: {unknown}"),
    };
    reply(stream, 200, &body.to_string()).await
}
