//! The forms a secret could be written in, and the search for them.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What of a path or query is commonly left as it is.
const LENIENT: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'&').add(b'+');
/// So many successive characters of a secret are taken for a leak of it.
const PIECE: usize = 7;

/// Every form searched.
pub fn forms(secret: &str) -> BTreeSet<String> {
    let json = serde_json::to_string(secret).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let mut forms = BTreeSet::from([
        secret.to_owned(),
        json.replace('/', "\\/"),
        json.chars()
            .map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", c as u32) })
            .collect(),
        json.replace('&', "\\u0026"),
        json,
        format!("{secret:?}").trim_matches('"').to_owned(),
        secret.replace('&', "&amp;").replace('"', "&quot;"),
        secret.replace('&', "&#38;").replace('"', "&#34;"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
    ]);
    for set in [NON_ALPHANUMERIC, LENIENT] {
        let encoded = utf8_percent_encode(secret, set).to_string();
        forms.extend([encoded.replace("%20", "+"), encoded.to_lowercase(), encoded]);
    }
    forms.extend(base64_forms(secret.as_bytes()));
    forms
}

/// Base64 of the secret at any place of a longer text: the characters that only depend on the secret.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    let mut forms = vec![];
    for before in 0..3 {
        let padded = [&vec![b'x'; before], secret].concat();
        // Characters that hold bits of what stands before or after are left out.
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.push(STANDARD_NO_PAD.encode(&padded)[from..to].to_owned());
        forms.push(URL_SAFE_NO_PAD.encode(&padded)[from..to].to_owned());
    }
    forms
}

/// Fails when a text holds a form of a secret, or a piece of the secret itself.
#[track_caller]
pub fn assert_absent(secrets: &[&str], what: &str, text: &str) {
    for secret in secrets {
        for form in forms(secret) {
            assert!(!text.contains(&form), "{what} shows `{form}`:\n{}", around(text, &form));
        }
        let characters: Vec<char> = secret.chars().collect();
        for piece in characters.windows(PIECE) {
            let piece: String = piece.iter().collect();
            assert!(!text.contains(&piece), "{what} shows the piece `{piece}`:\n{}", around(text, &piece));
        }
    }
}

fn around(text: &str, found: &str) -> String {
    let at = text.find(found).unwrap();
    let from = text.floor_char_boundary(at.saturating_sub(200));
    let to = text.ceil_char_boundary((at + 200).min(text.len()));
    text[from..to].to_owned()
}
