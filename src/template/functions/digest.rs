//! Filters that encode, decode, hash and sign texts. Must not keep what they are given: it may be a secret.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{either, invalid, text_of};

pub(super) fn install(env: &mut Environment<'static>) {
    env.add_filter("b64encode", |text: Value| Ok::<_, Error>(STANDARD.encode(&*text_of(&text)?)));
    env.add_filter("b64urlencode", |text: Value| Ok::<_, Error>(URL_SAFE_NO_PAD.encode(&*text_of(&text)?)));
    env.add_filter("b64decode", |text: Value| decode(&text, "b64decode", &STANDARD_ANY));
    env.add_filter("b64urldecode", |text: Value| decode(&text, "b64urldecode", &URL_ANY));
    env.add_filter("md5", hash::<Md5>);
    env.add_filter("sha1", hash::<Sha1>);
    env.add_filter("sha256", hash::<Sha256>);
    env.add_filter("sha512", hash::<Sha512>);
    env.add_filter("hmac", hmac);
}

/// Padding is what people leave away.
const LENIENT: base64::engine::GeneralPurposeConfig = base64::engine::GeneralPurposeConfig::new()
    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
const STANDARD_ANY: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
const URL_ANY: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);

fn decode(text: &Value, name: &str, engine: &GeneralPurpose) -> Result<String, Error> {
    let bytes = engine.decode(text_of(text)?.trim()).map_err(|_| invalid(format!("{name}: not base64")))?;
    String::from_utf8(bytes).map_err(|_| invalid(format!("{name}: what it decodes to is not UTF-8 text")))
}

/// How the bytes of a hash are written.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Hex,
    Base64,
    Base64Url,
}

impl Encoding {
    fn of(name: &str) -> Result<Self, String> {
        match name {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            "base64url" => Ok(Self::Base64Url),
            _ => Err(format!("there is no encoding `{name}`; it is hex, base64 or base64url")),
        }
    }

    fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

/// Refuses an encoding there is not.
pub(super) fn check_encoding(name: &str) -> Result<(), String> {
    Encoding::of(name).map(|_| ())
}

fn encoding(placed: Option<String>, named: &Kwargs) -> Result<Encoding, Error> {
    let name = either(placed, named, "encoding")?;
    name.map_or(Ok(Encoding::Hex), |name| Encoding::of(&name).map_err(invalid))
}

fn hash<D: Digest>(text: Value, placed: Option<String>, named: Kwargs) -> Result<String, Error> {
    let encoding = encoding(placed, &named)?;
    named.assert_all_used()?;
    Ok(encoding.write(&D::digest(text_of(&text)?.as_bytes())))
}

/// Refuses an algorithm there is not.
pub(super) fn check_algorithm(name: &str) -> Result<(), String> {
    mac(name, "", "").map(|_| ())
}

fn mac(algorithm: &str, key: &str, text: &str) -> Result<Vec<u8>, String> {
    macro_rules! of {
        ($hash:ty) => {{
            let mut mac = Hmac::<$hash>::new_from_slice(key.as_bytes()).map_err(|error| error.to_string())?;
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }};
    }
    Ok(match algorithm {
        "md5" => of!(Md5),
        "sha1" => of!(Sha1),
        "sha256" => of!(Sha256),
        "sha512" => of!(Sha512),
        _ => return Err(format!("there is no algorithm `{algorithm}`; it is sha256, sha512, sha1 or md5")),
    })
}

/// `text | hmac(key)`, `text | hmac(key, algorithm="sha512", encoding="base64")`.
fn hmac(
    text: Value,
    key: Value,
    algorithm: Option<String>,
    placed: Option<String>,
    named: Kwargs,
) -> Result<String, Error> {
    let algorithm = either(algorithm, &named, "algorithm")?.map_or(Cow::Borrowed("sha256"), Cow::Owned);
    let encoding = encoding(placed, &named)?;
    named.assert_all_used()?;
    let bytes = mac(&algorithm, &text_of(&key)?, &text_of(&text)?).map_err(invalid)?;
    Ok(encoding.write(&bytes))
}
