//! The rules of RFC 6265 by tables.
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use super::*;

const NOW: u64 = 1_800_000_000_000;

fn at<'a>(host: &'a str, path: &'a str) -> Place<'a> {
    Place { host, path, is_secure: false }
}

/// A jar after answers of one place.
fn jar(place: Place<'_>, lines: &[&str]) -> Jar {
    let mut jar = Jar::default();
    lines.iter().filter_map(|line| Cookie::read(line, place, NOW)).for_each(|cookie| jar.put(cookie, NOW));
    jar
}

fn sent(jar: &Jar, place: Place<'_>, now_ms: u64) -> String {
    let mut header = vec![];
    jar.write(place, now_ms, &mut header);
    String::from_utf8(header).unwrap()
}

#[test]
fn names_and_values() {
    for (line, expected) in [
        ("a=b", "a=b"),
        (" a = b ; HttpOnly", "a=b"),
        ("a=", "a="),
        ("a=b=c", "a=b=c"),
        ("a=\"quo ted\"", "a=\"quo ted\""),
        ("a=\u{e9}", "a=\u{e9}"),
        ("a", ""),
        ("=b", ""),
        (" =b", ""),
        ("", ""),
        (";a=b", ""),
        ("a=b\u{1}c", ""),
        ("a=b; SameSite=Strict; Unknown=; ; =x", "a=b"),
    ] {
        assert_eq!(sent(&jar(at("h", "/"), &[line]), at("h", "/"), NOW), expected, "{line}");
    }
}

#[test]
fn domains() {
    for (host, domain, to, expected) in [
        // Without `domain` only the host itself.
        ("shop.example", None, "shop.example", true),
        ("shop.example", None, "SHOP.example", true),
        ("shop.example", None, "a.shop.example", false),
        // With it everything below.
        ("shop.example", Some("shop.example"), "a.shop.example", true),
        ("a.shop.example", Some(".Shop.Example"), "b.shop.example", true),
        ("a.shop.example", Some("shop.example"), "shop.example", true),
        ("a.shop.example", Some("shop.example"), "xshop.example", false),
        ("a.shop.example", Some("shop.example"), "shop.example.evil", false),
        // What is not the host's is refused.
        ("shop.example", Some("a.shop.example"), "a.shop.example", false),
        ("shop.example", Some("other.example"), "other.example", false),
        ("shop.example", Some("op.example"), "shop.example", false),
        ("shop.example", Some("example"), "shop.example", false),
        ("shop.example", Some("shop.example."), "shop.example", false),
        // An empty one is none.
        ("shop.example", Some(""), "a.shop.example", false),
        ("shop.example", Some(""), "shop.example", true),
        ("localhost", Some("localhost"), "localhost", true),
        ("localhost", Some("localhost"), "a.localhost", false),
        ("127.0.0.1", Some("127.0.0.1"), "127.0.0.1", true),
        ("127.0.0.1", Some("0.0.1"), "127.0.0.1", false),
        ("::1", None, "::1", true),
        ("127.0.0.1", None, "localhost", false),
    ] {
        let line = domain.map_or("a=b".to_owned(), |domain| format!("a=b; domain={domain}"));
        let jar = jar(at(host, "/"), &[&line]);
        assert_eq!(sent(&jar, at(to, "/"), NOW) == "a=b", expected, "{host} {line} → {to}");
    }
}

#[test]
fn paths() {
    for (path, attribute, to, expected) in [
        ("/a/b", "", "/a", true),
        ("/a/b", "", "/a/c", true),
        ("/a/b", "", "/a/", true),
        ("/a/b", "", "/ab", false),
        ("/a/b", "", "/", false),
        ("/a", "", "/other", true),
        ("/", "", "/other", true),
        ("/x", "path=/a", "/a/b", true),
        ("/x", "path=/a", "/a", true),
        ("/x", "path=/a", "/ab", false),
        ("/x", "path=/a/", "/a/b", true),
        ("/x", "path=/a/", "/a", false),
        ("/x", "path=/", "/a", true),
        ("/x/y", "path=a", "/x/z", true),
        ("/x/y", "path=/z; path=", "/x/z", true),
        ("/x", "path=/A", "/a", false),
    ] {
        let jar = jar(at("h", path), &[&format!("n=v; {attribute}")]);
        assert_eq!(sent(&jar, at("h", to), NOW) == "n=v", expected, "{path} {attribute} → {to}");
    }
}

#[test]
fn lives() {
    for (attributes, until_s) in [
        ("", None),
        ("max-age=10", Some(10)),
        ("Max-Age=10; expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(10)),
        ("expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=10", Some(10)),
        ("max-age=0", Some(0)),
        ("max-age=-1", Some(0)),
        ("max-age=-", None),
        ("max-age=1.5", None),
        ("max-age=+1", None),
        ("max-age=soon", None),
        ("max-age=99999999999999999999999", None),
        ("expires=Fri, 15 Jan 2027 08:00:10 GMT", Some(10)),
        ("expires=Fri, 15-Jan-27 08:00:10 GMT", Some(10)),
        ("expires=Fri Jan 15 08:00:10 2027", Some(10)),
        ("expires=8:0:10 jan 15 2027", Some(10)),
        ("expires=Fri, 15 January 2027 08:00:10", Some(10)),
        ("expires=Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("expires=Sat, 01-Jan-00 00:00:00 GMT", Some(0)),
        ("expires=Fri, 30 Feb 2027 08:00:10 GMT", None),
        ("expires=Fri, 15 Jan 2027 24:00:00 GMT", None),
        ("expires=Fri, 15 Jan 1600 08:00:10 GMT", None),
        ("expires=15 Jan 2027", None),
        ("expires=0", None),
    ] {
        let jar = jar(at("h", "/"), &[&format!("a=b; {attributes}")]);
        let is_sent = |after_ms: u64| sent(&jar, at("h", "/"), NOW + after_ms) == "a=b";
        match until_s {
            None => assert!(is_sent(400 * 86_400_000), "{attributes}"),
            Some(0) => assert!(jar.is_empty(), "{attributes}"),
            Some(s) => {
                assert!(is_sent(s * 1000 - 1), "{attributes}");
                assert!(!is_sent(s * 1000), "{attributes}");
            }
        }
    }
}

#[test]
fn secure_ones_go_only_where_nobody_reads_along() {
    let open = at("h", "/");
    let jar = jar(open, &["a=b; Secure", "c=d; secured"]);
    assert_eq!(sent(&jar, open, NOW), "c=d");
    assert_eq!(sent(&jar, Place { is_secure: true, ..open }, NOW), "a=b; c=d");
    for (host, expected) in [
        ("localhost", true),
        ("LOCALHOST", true),
        ("api.localhost", true),
        ("127.0.0.1", true),
        ("127.8.0.1", true),
        ("::1", true),
        ("notlocalhost", false),
        ("localhost.example", false),
        ("10.0.0.1", false),
    ] {
        assert_eq!(is_loopback(host), expected, "{host}");
    }
}

#[test]
fn one_takes_the_place_of_another_and_longer_paths_come_first() {
    let place = at("a.b.example", "/x/y/z");
    let mut jar = jar(place, &["a=1; path=/", "b=1; path=/x", "c=1; path=/", "d=1; path=/x/y"]);
    assert_eq!(sent(&jar, place, NOW), "d=1; b=1; a=1; c=1");
    let mut set = |line: &str| jar.put(Cookie::read(line, place, NOW).unwrap(), NOW);
    set("a=2; path=/");
    set("c=2; path=/; domain=b.example");
    set("b=gone; path=/x; max-age=0");
    set("never=there; path=/x; max-age=0");
    assert_eq!(sent(&jar, place, NOW), "d=1; a=2; c=1; c=2");
}

#[test]
fn what_the_plan_writes_stays() {
    let place = at("h", "/");
    let jar = jar(place, &["a=jar", "b=jar"]);
    let mut header = b"a=plan; c".to_vec();
    jar.write(place, NOW, &mut header);
    assert_eq!(header, b"a=plan; c; b=jar");
    assert_eq!(join(b"a=1; b=2", b"b=3;c=4; ; d"), b"a=1; b=2; c=4; d");
    assert_eq!(join(b"", b"b=3"), b"b=3");
    assert_eq!(join(b"a=1", b""), b"a=1");
}

#[test]
fn a_hostile_server_fills_no_memory() {
    let mut jar = Jar::default();
    let host = format!("{}example", "a.".repeat(60));
    for parent in 0..50 {
        let domain = host.splitn(parent + 1, '.').last().unwrap();
        for n in 0..200 {
            let line = format!("n{n}={}; domain={domain}; max-age={}", "x".repeat(4000), 1 + n % 7);
            jar.put(Cookie::read(&line, at(&host, "/"), NOW).unwrap(), NOW);
        }
        let of_domain = jar.kept.iter().filter(|known| *known.cookie.domain == *domain);
        assert_eq!(of_domain.count(), MOST_OF_A_DOMAIN);
    }
    assert_eq!(jar.kept.len(), MOST);
    assert_eq!(jar.gone.len(), MOST_GONE);
    // The newest are kept, and what is over makes room first.
    let newest = |jar: &Jar| sent(jar, at(&host, "/"), NOW).contains("n199=");
    assert!(newest(&jar));
    let line = "late=1; path=/";
    jar.put(Cookie::read(line, at(&host, "/"), NOW + 1000).unwrap(), NOW + 1000);
    assert!(jar.kept.len() < MOST && newest(&jar));
    for line in [format!("a={}", "x".repeat(4096)), format!("{}=b", "x".repeat(4096))] {
        assert_eq!(Cookie::read(&line, at("h", "/"), NOW), None);
    }
    let line = format!("a=b; path=/{}", "x".repeat(1024));
    assert_eq!(&*Cookie::read(&line, at("h", "/p/q"), NOW).unwrap().path, "/p");
}

#[test]
fn values_are_never_shown() {
    let mut jar = jar(at("h", "/"), &["sid=s%3Asecret-value", "lang=en", "q=\"quoted-secret\""]);
    for (text, masked) in [
        ("got s%3Asecret-value", "got ***"),
        ("got s:secret-value", "got ***"),
        ("a quoted-secret", "a ***"),
        ("lang is en", "lang is en"),
    ] {
        assert_eq!(jar.masker().mask(text), masked);
    }
    assert_eq!(format!("{jar:?}"), "Jar { cookies: 3, .. }");
    jar.put(Cookie::read("sid=another-value", at("h", "/"), NOW).unwrap(), NOW);
    assert_eq!(jar.masker().mask("another-value"), "***");
    // The answer that replaces or deletes one may tell of it.
    assert_eq!(jar.masker().mask("s:secret-value"), "***");
    jar.put(Cookie::read("sid=; max-age=0", at("h", "/"), NOW).unwrap(), NOW);
    assert_eq!(jar.masker().mask("another-value"), "***");
    assert!(!format!("{:?}", jar.kept[0].cookie).contains("quoted"));
}
