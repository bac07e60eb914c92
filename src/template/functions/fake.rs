//! `fake.name()` and the like: data that looks real and belongs to nobody. Addresses of mail and of the web end in
//! the names that are reserved for examples, phone numbers are of those reserved for fiction, so that a load
//! test never reaches a person. Must not draw from another generator than the user's.

use std::sync::Arc;

use fake::Fake as _;
use fake::faker::address::en::{CityName, CountryCode, CountryName, StateName, StreetName};
use fake::faker::company::en::CompanyName;
use fake::faker::internet::en::UserAgent;
use fake::faker::job::en::Title;
use fake::faker::lorem::en::{Paragraph, Sentence, Word};
use fake::faker::name::en::{FirstName, LastName};
use jiff::civil::{Date, date};
use minijinja::value::{Enumerator, Object};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use rand::RngExt as _;

use super::{Rng, draw, invalid};

/// What the functions hang on.
pub(super) const ROOT: &str = "fake";

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_global(ROOT, Value::from_object(Root));
}

#[derive(Debug)]
struct Root;

impl Object for Root {
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        if !arguments.is_empty() {
            return Err(invalid(format!("fake.{method}() takes nothing")));
        }
        let text = draw(|rng| text(method, rng));
        text.map(Value::from)
            .ok_or_else(|| Error::new(ErrorKind::UnknownMethod, format!("no fake.{method}()")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

fn text(what: &str, rng: &mut Rng) -> Option<String> {
    Some(match what {
        "name" => format!("{} {}", first_name(rng), last_name(rng)),
        "first_name" => first_name(rng),
        "last_name" => last_name(rng),
        "username" => username(rng),
        "email" => format!("{}@example.{}", username(rng), one_of(&["com", "net", "org"], rng)),
        "password" => password(rng),
        "word" => word(rng),
        "sentence" => capitalized(&Sentence(5..12).fake_with_rng::<String, _>(rng)),
        "paragraph" => paragraph(rng),
        "company" => CompanyName().fake_with_rng(rng),
        "job" => Title().fake_with_rng(rng),
        "phone" => format!("+1-{}-555-01{:02}", rng.random_range(201..990), rng.random_range(0..100)),
        "street" => street(rng),
        "city" => CityName().fake_with_rng(rng),
        "state" => StateName().fake_with_rng(rng),
        "postcode" => postcode(rng),
        "country" => CountryName().fake_with_rng(rng),
        "country_code" => CountryCode().fake_with_rng(rng),
        "address" => address(rng),
        "ipv4" => ipv4(rng),
        "ipv6" => std::net::Ipv6Addr::from(0x2001_0db8_u128 << 96 | rng.random::<u128>() >> 32).to_string(),
        "domain" => domain(rng),
        "url" => format!("https://{}/{}/{}", domain(rng), word(rng), word(rng)),
        "user_agent" => UserAgent().fake_with_rng(rng),
        "date" => day(rng).to_string(),
        _ => return None,
    })
}

fn one_of<'a>(words: &[&'a str], rng: &mut Rng) -> &'a str {
    words[rng.random_range(0..words.len())]
}

fn first_name(rng: &mut Rng) -> String {
    FirstName().fake_with_rng(rng)
}

fn last_name(rng: &mut Rng) -> String {
    LastName().fake_with_rng(rng)
}

fn word(rng: &mut Rng) -> String {
    Word().fake_with_rng(rng)
}

/// Lower-case letters of a name.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect()
}

/// Rarely the same twice: about 14 thousand million.
fn username(rng: &mut Rng) -> String {
    format!("{}.{}{}", letters(&first_name(rng)), letters(&last_name(rng)), rng.random_range(1..10_000))
}

/// Sixteen characters with a capital, a small letter, a digit and a sign.
fn password(rng: &mut Rng) -> String {
    const KINDS: [&[u8]; 4] =
        [b"abcdefghijkmnopqrstuvwxyz", b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"23456789", b"!#%*+-_=?"];
    let of_kind = |kind: usize, rng: &mut Rng| KINDS[kind][rng.random_range(0..KINDS[kind].len())] as char;
    (0..16).map(|place: usize| of_kind(if place < 4 { place } else { rng.random_range(0..3) }, rng)).collect()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn paragraph(rng: &mut Rng) -> String {
    let lines: String = Paragraph(3..6).fake_with_rng(rng);
    lines.lines().map(capitalized).collect::<Vec<_>>().join(" ")
}

fn street(rng: &mut Rng) -> String {
    format!("{} {}", rng.random_range(1..1000), StreetName().fake_with_rng::<String, _>(rng))
}

fn postcode(rng: &mut Rng) -> String {
    format!("{:05}", rng.random_range(501..99_951))
}

fn address(rng: &mut Rng) -> String {
    let (street, city) = (street(rng), CityName().fake_with_rng::<String, _>(rng));
    let state: String = StateName().fake_with_rng(rng);
    format!("{street}, {city}, {state} {}", postcode(rng))
}

/// One that could be a client's: neither private nor local nor reserved.
fn ipv4(rng: &mut Rng) -> String {
    loop {
        let address = std::net::Ipv4Addr::from(rng.random::<u32>());
        let [a, b, ..] = address.octets();
        let is_shared = a == 100 && (64..128).contains(&b);
        let is_kept = address.is_private() || address.is_link_local() || is_shared;
        if !matches!(a, 0 | 127 | 224..) && !is_kept {
            return address.to_string();
        }
    }
}

fn domain(rng: &mut Rng) -> String {
    format!("{}.example.{}", letters(&last_name(rng)), one_of(&["com", "net", "org"], rng))
}

/// A day from 1970 to 2029, whatever day it is.
fn day(rng: &mut Rng) -> Date {
    const FIRST: Date = date(1970, 1, 1);
    FIRST.saturating_add(jiff::Span::new().days(rng.random_range(0..21_915_i64)))
}
