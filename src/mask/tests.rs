//! Secrets in every encoding, at every place, at the cut edge.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

fn masker(secrets: &[&str]) -> Masker {
    Masker::new(secrets.iter().map(ToString::to_string))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

fn form(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

#[test]
fn text_without_secrets_is_left_alone() {
    for known in [masker(&[]), masker(&[""]), masker(&["hunter22"])] {
        assert!(matches!(known.mask(r"GET /a%20b \n &amp; hunter2"), Cow::Borrowed(_)));
    }
    assert_eq!(masker(&["hunter22"]).mask(""), "");
}

#[test]
fn every_spelling_is_hidden() {
    let known = masker(&["p\"ss w/ö&d'+"]);
    for text in [
        "p\"ss w/ö&d'+",
        r#"p\"ss w/ö&d'+"#,
        r#"p\"ss w\/\u00F6\u0026d\u0027+"#,
        r#"p\\\"ss w\\/\\u00f6&d'+"#,
        r#"p\"ss w/\u{f6}&d\'+"#,
        "p%22ss%20w%2F%C3%B6%26d%27%2B",
        "p%22ss%20w%2f%c3%b6%26d%27%2b",
        "p%22ss+w%2F%C3%B6%26d%27%2B",
        "p%22ss%20w/%C3%B6&d'+",
        "p&quot;ss w/ö&amp;d&#39;+",
        "p&#34;ss w&#x2F;&#xf6;&amp;d&apos;+",
    ] {
        assert_eq!(known.mask(&format!("<{text}>")), "<***>", "{text}");
        assert_eq!(known.mask(text), "***", "{text}");
    }
}

#[test]
fn base64_is_hidden_alone_and_inside_basic_auth() {
    let known = masker(&["open sesame"]);
    for user in ["", "a", "al", "ali", "alib", "aliba"] {
        for tail in ["", "!", "!!", "!!!"] {
            let text = STANDARD.encode(format!("{user}:open sesame{tail}"));
            let masked = known.mask(&text).into_owned();
            let (left, right) = masked.split_once("***").expect("masked");
            // What stays holds bits of the neighbours only (and up to four bits of padding).
            let user_bits = (user.len() + 1) * 8;
            assert!(left.len() * 6 <= user_bits, "{text} → {masked}");
            assert!(right.trim_end_matches('=').len() * 6 <= tail.len() * 8 + 4, "{text} → {masked}");
        }
    }
    assert_eq!(known.mask(&STANDARD.encode("open sesame")), "***");
    assert_eq!(known.mask(&hex("open sesame")), "***");
}

#[test]
fn the_longest_and_all_overlapping_values_go() {
    let known = masker(&["abcd", "abcdefgh", "ghij"]);
    for (text, expected) in [
        ("-abcdefgh-", "-***-"),
        ("-abcdefg-", "-***efg-"),
        ("-abcdefghij-", "-***-"),
        ("abcdabcd abcd", "*** ***"),
    ] {
        assert_eq!(known.mask(text), expected, "{text}");
    }
}

#[test]
fn short_values_go_as_whole_words_only() {
    let known = masker(&["on", "7"]);
    for (text, expected) in [
        ("on", "***"),
        ("on Monday, \"on\"", "*** Monday, \"***\""),
        ("a=7&b=17", "a=***&b=17"),
        ("iron one_on önon", "iron one_on önon"),
        ("b24= x", "*** x"),
    ] {
        assert_eq!(known.mask(text), expected, "{text}");
    }
}

#[test]
fn values_learnt_later_are_hidden_from_then_on() {
    let mut known = masker(&[]);
    assert_eq!(known.mask("Bearer eyJhbGciOi"), "Bearer eyJhbGciOi");
    known.add("eyJhbGciOi");
    assert_eq!(known.mask("Bearer eyJhbGciOi"), "Bearer ***");
    known.add("from-a-file\n");
    assert_eq!(known.mask("Bearer from-a-file"), "Bearer ***");
    assert_eq!(format!("{known:?}").matches("eyJ").count(), 0);
}

#[test]
fn ten_thousand_tokens_stay_quick() {
    let known = Masker::new((0..10_000).map(|i| format!("eyJhbGciOiJIUzI1NiJ9.token-{i:05}")));
    let text = "x eyJhbGciOiJIUzI1NiJ9.token-09999 y ".repeat(100);
    assert_eq!(known.mask(&text), "x *** y ".repeat(100));
}

#[test]
fn a_secret_on_the_cut_edge_leaves_no_half() {
    let known = masker(&["correct horse"]);
    let body = b"0123456789correct horse and more";
    for (limit, expected) in [
        (5, "01234…"),
        (10, "0123456789…"),
        (11, "0123456789***…"),
        (22, "0123456789***…"),
        (23, "0123456789***…"),
        (27, "0123456789*** and…"),
        (999, "0123456789*** and more"),
    ] {
        assert_eq!(known.mask_bytes_lossy(body, limit), expected, "{limit}");
    }
    // Already cut by whoever kept the body.
    assert_eq!(known.mask_bytes_lossy(&body[..17], 100), "0123456789***");
    let spelled = masker(&["päss wörd"]);
    for cut in ["<päss", "<p%C3%A4ss%2", "<päss w\\u00", "<päss w\\\\u0", "<päss w&#x"] {
        assert_eq!(spelled.mask_bytes_lossy(cut.as_bytes(), 100), "<***", "{cut}");
    }
    assert_eq!(spelled.mask_bytes_lossy(&"<päss wö".as_bytes()[..9], 100), "<***");
    assert_eq!(known.mask_bytes_lossy(b"a\xffb \xe2\x82", 100), "a\u{fffd}b \u{fffd}");
    assert_eq!(known.mask_bytes_lossy("aé".as_bytes(), 2), "a…");
}

fn secret() -> impl Strategy<Value = String> {
    // Without `*`, so that a mask next to ordinary text can never spell a secret.
    "[a-zA-Z0-9 \"'&<>%+/\\\\=_:;\n~é漢😀-]{4,20}"
}

proptest! {
    #[test]
    fn no_output_holds_a_secret_in_any_encoding(
        secrets in prop::collection::vec(secret(), 1..4),
        before in "[a-z0-9 %&\\\\é+]{0,8}",
        after in "[a-z0-9 %&\\\\é+]{0,8}",
    ) {
        let known = Masker::new(secrets.clone());
        for secret in &secrets {
            let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
            let json = serde_json::to_string(secret).unwrap();
            let encoded = [
                secret.clone(), percent.clone(), percent.to_lowercase(), form(secret), html(secret),
                json[1..json.len() - 1].to_owned(), hex(secret), hex(secret).to_uppercase(),
                STANDARD.encode(secret), STANDARD_NO_PAD.encode(secret),
                URL_SAFE.encode(secret), URL_SAFE_NO_PAD.encode(secret),
            ];
            // Where a letter is not escaped, lower case makes another text of it.
            let same = |text: &String| *text != percent.to_lowercase() || !secret.contains(|c: char| c.is_ascii_uppercase());
            // `%4` before `1` would be another escape, and so another text.
            let closed = before.replace(['%', '\\', '+'], "");
            for text in encoded.iter().filter(|text| same(text)) {
                for whole in [format!("{closed}{text}{after}"), format!("{before} {text} {after}")] {
                    let masked = known.mask(&whole);
                    prop_assert!(!masked.contains(text.as_str()), "{:?} in {:?}", text, masked);
                    let bytes = known.mask_bytes_lossy(whole.as_bytes(), before.len() + 3);
                    prop_assert!(!bytes.contains(text.as_str()));
                }
            }
        }
    }

    #[test]
    fn no_base64_of_a_longer_text_holds_a_secret(secret in secret(), before in "[ -~]{0,7}", after in "[ -~]{0,7}") {
        let known = Masker::new([secret.clone()]);
        for encoding in [STANDARD, URL_SAFE] {
            let own = own_characters(&encoding, &secret, before.len());
            let masked = known.mask(&encoding.encode(format!("{before}{secret}{after}"))).into_owned();
            prop_assert!(!masked.contains(&own), "{} in {}", own, masked);
            prop_assert!(masked.contains("***"));
        }
    }

    #[test]
    fn any_text_is_masked_without_harm(secret in ".{0,6}", text in ".{0,60}", limit in 0usize..70) {
        let known = Masker::new([secret, "%41\\u0041&#x41;".into()]);
        known.mask(&text);
        known.mask_bytes_lossy(text.as_bytes(), limit);
    }

    #[test]
    fn every_cut_hides_the_beginning(secret in "[a-z]{8,20}", at in 4usize..8, limit in 0usize..40) {
        let known = Masker::new([secret.clone()]);
        let text = format!("0123456789{secret}0123456789");
        let shown = known.mask_bytes_lossy(text.as_bytes(), limit);
        prop_assert!(!shown.contains(&secret[..1]), "{}", shown);
        let cut = known.mask_bytes_lossy(&text.as_bytes()[..10 + at], 99);
        prop_assert_eq!(cut, "0123456789***");
    }
}

/// The characters that do not change with the neighbours, found by trying two neighbourhoods.
fn own_characters(encoding: &impl base64::Engine, secret: &str, before: usize) -> String {
    let encode = |byte: u8| {
        let neighbours = vec![byte; before];
        encoding.encode([&neighbours[..], secret.as_bytes(), &[byte; 3]].concat())
    };
    let (zeros, ones) = (encode(0), encode(0xff));
    let same: Vec<bool> = zeros.bytes().zip(ones.bytes()).map(|(a, b)| a == b).collect();
    let start = (before * 8).div_ceil(6);
    let end = (before + secret.len()) * 8 / 6;
    assert!(same[start..end].iter().all(|same| *same));
    zeros[start..end].to_owned()
}

#[test]
fn maskers_together_hide_what_one_that_knows_all_would() {
    let (ours, theirs) = (["secret-one", "overlap"], ["token-two", "lapping-over", "Bearer token-two"]);
    let apart = [Masker::new(ours.map(String::from)), Masker::new(theirs.map(String::from))];
    let whole = Masker::new(ours.into_iter().chain(theirs).map(String::from));
    for text in [
        "nothing",
        "secret-one and token-two",
        "overlapping-over",
        "Bearer token-twosecret-one",
        "dG9rZW4tdHdv secret%2Done",
        "cut: Bearer tok",
    ] {
        for limit in [5, 12, 200] {
            let together = Masker::mask_bytes_with(&[&apart[0], &apart[1]], text.as_bytes(), limit);
            assert_eq!(together, whole.mask_bytes_lossy(text.as_bytes(), limit), "{text} at {limit}");
        }
    }
    assert_eq!(Masker::mask_bytes_with(&[&apart[0], &apart[1]], b"overlapping-over", 200), "***");
    assert_eq!(Masker::mask_bytes_with(&[], b"as it is", 200), "as it is");
}

/// An encoding, and what it is called.
type Encoding = (&'static str, fn(&str) -> String);

/// Every encoding that a text may be written in, in the spellings of several writers.
fn encodings() -> Vec<Encoding> {
    fn json(text: &str) -> String {
        let quoted = serde_json::to_string(text).expect("JSON");
        quoted[1..quoted.len() - 1].to_owned()
    }
    fn json_html(text: &str) -> String {
        json(text)
            .replace('<', "\\u003C")
            .replace('>', "\\u003E")
            .replace('&', "\\u0026")
            .replace('\'', "\\u0027")
    }
    fn units(text: &str) -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
    }
    fn percent(text: &str) -> String {
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
    }
    fn percent_mixed(text: &str) -> String {
        let lower = |(at, c): (usize, char)| if at % 2 == 0 { c.to_ascii_lowercase() } else { c };
        let all: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        all.concat().chars().enumerate().map(lower).collect()
    }
    fn decimal(text: &str) -> String {
        text.chars().map(|c| format!("&#{};", c as u32)).collect()
    }
    fn hexadecimal(text: &str) -> String {
        text.chars().map(|c| format!("&#X{:X};", c as u32)).collect()
    }
    vec![
        ("JSON", json),
        ("JSON for HTML", json_html),
        ("JSON units", units),
        ("percent", percent),
        ("mixed percent", percent_mixed),
        ("form", form),
        ("HTML", html),
        ("decimal HTML", decimal),
        ("hexadecimal HTML", hexadecimal),
        ("base64", |text| STANDARD.encode(text)),
        ("base64url", |text| URL_SAFE_NO_PAD.encode(text)),
    ]
}

#[test]
fn nested_encodings_are_undone() {
    let secret = "t0k\"n<&'é/+ x%41";
    let known = masker(&[secret]);
    for (inner, encode) in encodings() {
        for (outer, wrap) in encodings() {
            let text = wrap(&format!("(\"{}\")", encode(secret)));
            let masked = known.mask(&text).into_owned();
            assert!(masked.contains("***"), "{inner} in {outer}: {masked}");
            let own = wrap(&encode(secret));
            assert!(!masked.contains(&own), "{inner} in {outer}: {masked}");
            assert_eq!(known.mask(&own).trim_end_matches('='), "***", "{inner} in {outer} alone");
        }
    }
}

#[test]
fn long_secrets_are_hidden_in_any_letter_case() {
    let known = masker(&["Tok-4f9aPq", "PÄSSwört-1", "onlyLetters", "averyLongSecretOfLetters", "ab1C"]);
    for (text, expected) in [
        ("tok-4f9apq TOK-4F9APQ tOk-4F9aPq", "*** *** ***"),
        ("tok%2D4f9apq &#84;OK-4F9APQ", "*** ***"),
        ("pässwört-1 PÄSSWÖRT-1", "*** ***"),
        ("AVERYLONGSECRETOFLETTERS", "***"),
        // Shorter ones, and short words, are hidden as they are written.
        ("onlyletters onlyLetters", "onlyletters ***"),
        ("AB1c ab1C", "AB1c ***"),
    ] {
        assert_eq!(known.mask(text), expected);
    }
    assert_eq!(known.mask(&hex("Tok-4f9aPq").replace('f', "F")), "***");
    assert_eq!(known.mask_bytes_lossy(b"cut: TOK-4F9", 100), "cut: ***");
}

#[test]
fn what_looks_like_base64_is_left_alone_without_a_secret() {
    let known = masker(&["7", "on", "k1", "Tok-4f9aPq"]);
    let text: String = (0..4000u32)
        .map(|n| format!("{} ", STANDARD.encode(n.wrapping_mul(0x9e37_79b9).to_be_bytes().repeat(3))))
        .collect();
    // Elsewhere short secrets could stand as words of their own.
    let text = text.replace(['+', '/', '='], "x");
    assert!(matches!(known.mask(&text), Cow::Borrowed(_)));
}

#[test]
fn a_text_of_escapes_takes_bounded_time() {
    let known = masker(&["Tok-4f9aPq"]);
    let text = "%255C%5Cu0026&amp;#x25;\\\\+AAAAAAAAAAAAAAAA".repeat(100);
    assert!(View::all(&text).iter().map(|view| view.bytes().len()).sum::<usize>() <= 25 * text.len());
    assert!(matches!(known.mask(&text), Cow::Borrowed(_)));
}

proptest! {
    #[test]
    fn two_encodings_of_any_secret_are_hidden(
        secret in secret(),
        inner in 0usize..11,
        outer in 0usize..11,
        before in "[ -~]{0,12}",
        after in "[ -~]{0,12}",
    ) {
        let (encodings, known) = (encodings(), Masker::new([secret.clone()]));
        let encode = |which: usize, text: &str| encodings[which].1(text);
        let text = format!("{before}\n{}\n{after}", encode(outer, &format!("\t{}\t", encode(inner, &secret))));
        let own = encode(outer, &encode(inner, &secret));
        let masked = known.mask(&text);
        prop_assert!(masked.contains("***"), "{} in {}: {:?}", encodings[inner].0, encodings[outer].0, masked);
        prop_assert!(own.len() < 4 || !masked.contains(&own), "{:?}", masked);
    }

    #[test]
    fn texts_without_the_secret_stay_as_they_are(text in "[ -~é]{0,200}", outer in 0usize..11) {
        let known = Masker::new(["\u{1}Q7-never-there\u{2}".to_owned()]);
        let text = encodings()[outer].1(&text);
        prop_assert_eq!(known.mask(&text), text.as_str());
    }
}
