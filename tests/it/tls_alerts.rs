//! Alerts of TLS that come when the client's handshake is over: TLS 1.3 judges the client's certificate only then.

use crate::support::tls::{Authority, Fault, TlsServer};
use crate::support::{Scratch, check_accounting, row};
use serde_json::{Value, json};

/// Three requests of a client that shows `shown`, and the words of their failures.
fn refused(fault: Fault, shown: Option<&Authority>, request: &str) -> (Value, String) {
    let (scratch, authority) = (Scratch::new(), Authority::new());
    authority.write(&scratch.path("ca.pem"));
    let mut tls = "ca: ca.pem".to_owned();
    if let Some(shown) = shown {
        let (certificate, key) = shown.client();
        scratch.write("client.pem", &certificate);
        scratch.write("client.key", &key);
        tls += ", cert: client.pem, key: client.key";
    }
    // More than the sockets' buffers hold: the alert comes while it is written.
    std::fs::write(scratch.path("large.bin"), vec![0; 16 << 20]).unwrap();
    let server = TlsServer::start(&authority, fault);
    let plan = format!(
        "plan: 1\ntarget: \"{}\"\nhttp: {{ tls: {{ {tls} }} }}\nendpoints: {{ a: {{ {request} }} }}\n\
         load: {{ users: 1, iterations: 3 }}\nthresholds: [\"errors < 1%\"]\n",
        server.url
    );
    let ran = scratch.run(&plan, &[]);
    ran.done.assert_code(1);
    check_accounting(&ran.result);
    (row(&ran.result, "a")["failure_kinds"].clone(), ran.result["failures"].to_string())
}

#[test]
fn a_missing_certificate_is_of_tls_whenever_the_alert_comes() {
    for fault in [Fault::AsksClient, Fault::AsksClient12] {
        for request in ["request: GET /", "request: POST /, file: large.bin"] {
            let (kinds, words) = refused(fault, None, request);
            assert_eq!(kinds, json!({ "tls.certificate": 3 }), "{fault:?}, {request}: {words:.300}");
            assert!(words.contains("(alert `certificate_required`)"), "{fault:?}: {words}");
        }
    }
}

#[test]
fn so_is_one_of_an_authority_that_the_target_does_not_know() {
    let stranger = Authority::new();
    for fault in [Fault::AsksClient, Fault::AsksClient12] {
        let (kinds, words) = refused(fault, Some(&stranger), "request: GET /");
        // Which alert it is depends on what the server's library looks at first.
        let kinds = kinds.as_object().unwrap();
        assert!(kinds.len() == 1 && kinds.keys().all(|kind| kind.starts_with("tls.")), "{fault:?}: {words}");
        assert!(words.contains("(alert `"), "{fault:?}: {words}");
    }
}
