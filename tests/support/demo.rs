//! The demo platform as a process of its own on free ports, and its counters.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running `plimsoll serve-demo`. Dropped, it is killed.
pub struct Demo {
    child: Child,
    pub auth: String,
    pub agents: String,
    pub rag: String,
}

impl Demo {
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["serve-demo", "--auth-port", "0", "--agents-port", "0", "--rag-port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut urls = BTreeMap::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while urls.len() < 3 {
            let line = lines.next().expect("the demo prints its addresses").unwrap();
            let (name, url) = line.split_once(' ').unwrap();
            urls.insert(name.to_owned(), url.trim().to_owned());
        }
        let url = |name: &str| urls[name].clone();
        Self { auth: url("auth"), agents: url("agents"), rag: url("rag"), child }
    }

    /// `--target` flags that aim a TempoNest plan at it.
    pub fn targets(&self, names: &[&str]) -> Vec<String> {
        let url = |name: &str| match name {
            "auth" => &self.auth,
            "agents" => &self.agents,
            _ => &self.rag,
        };
        names.iter().map(|name| format!("--target={name}={}", url(name))).collect()
    }

    /// Requests received by all three services by route, `"POST auth:/auth/login"` → 12.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        [&self.auth, &self.agents, &self.rag].into_iter().flat_map(|url| stats(url)).collect()
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.kill();
    }
}

fn stats(url: &str) -> BTreeMap<String, u64> {
    let body = get(url, "/stats");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// The body of an answer.
fn get(url: &str, path: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
