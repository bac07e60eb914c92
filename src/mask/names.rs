//! Names whose values are not shown even when nobody declared them secret. Must not look at values.

/// Words that make a name sensitive wherever they stand in it.
const ANYWHERE: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "authorization",
    "cookie",
    "cookies",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "jwt",
    "bearer",
    "sessionid",
    "authtoken",
    "accesstoken",
    "refreshtoken",
];

/// Words that make a name sensitive at its end: `access_token`, but not `token_type` or `max_tokens`.
const AT_THE_END: [&str; 11] =
    ["token", "idtoken", "otp", "totp", "pin", "cvv", "cvc", "sid", "sig", "signature", "pass"];

/// Words that make a `key` at the end of a name sensitive: `api_key`, `x-goog-api-key`, but not `sort_key`.
const KEYS: [&str; 11] = [
    "api",
    "access",
    "private",
    "secret",
    "subscription",
    "functions",
    "encryption",
    "signing",
    "auth",
    "client",
    "master",
];

/// Whether a header's value must not be shown: `authorization`, `cookie`, `set-cookie`, `x-api-key`, … in any
/// case. Challenges (`www-authenticate`) and counters (`x-ratelimit-remaining-tokens`) are shown.
pub fn is_sensitive_header(name: &str) -> bool {
    is_sensitive_key(name) || name.trim().eq_ignore_ascii_case("x-auth")
}

/// Whether the value under a JSON key, form field or query parameter must not be shown: `password`,
/// `access_token`, `clientSecret`, `API-Key`, … in any case and with any separators.
pub fn is_sensitive_key(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else { return false };
    let before = words.len().checked_sub(2).map(|at| words[at].as_str());
    words.iter().any(|word| ANYWHERE.contains(&word.as_str()))
        || AT_THE_END.contains(&last.as_str())
        || last == "key" && before.is_some_and(|word| KEYS.contains(&word))
        || last == "id" && before == Some("session")
}

/// Whether the value of a parameter of a redirect must not be shown: besides those of secrets the codes and answers of
/// single sign-on (OAuth 2.0, OpenID Connect, SAML, CAS), which are as good as a login.
pub fn is_sensitive_parameter(name: &str) -> bool {
    const SINGLE_SIGN_ON: [&str; 6] = ["code", "state", "nonce", "ticket", "samlresponse", "samlrequest"];
    is_sensitive_key(name) || SINGLE_SIGN_ON.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The words of a name in lower case: split at anything but letters and digits, and where `camelCase` has its
/// humps (`APIKey` → `api`, `key`).
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().take(256).collect();
    let mut words = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let after_lower = at > 0 && (chars[at - 1].is_lowercase() || chars[at - 1].is_ascii_digit());
        let before_lower = at > 0 && chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if !c.is_alphanumeric() || c.is_uppercase() && (after_lower || before_lower) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_and_their_neighbours_are_not() {
        let secret = [
            "password",
            "user_password",
            "newPassword",
            "PWD",
            "token",
            "access_token",
            "refreshToken",
            "idToken",
            "client_secret",
            "clientSecret",
            "api_key",
            "apiKey",
            "APIKey",
            "API-KEY",
            "apikey",
            "private key",
            "session_id",
            "sessionId",
            "jwt",
            "password_hash",
            "csrf-token",
            "X-Amz-Signature",
            "accesskey",
        ];
        let open = [
            "",
            "id",
            "key",
            "sort_key",
            "token_type",
            "max_tokens",
            "total_tokens",
            "prompt_tokens",
            "session",
            "passed",
            "compass",
            "author",
            "keyboard",
            "spin",
            "status",
            "idempotency-key",
            "secretary",
        ];
        for (names, expected) in [(&secret[..], true), (&open[..], false)] {
            for name in names {
                assert_eq!(is_sensitive_key(name), expected, "{name}");
            }
        }
    }

    #[test]
    fn headers_that_carry_credentials_are_known() {
        let secret = [
            "authorization",
            "Authorization",
            "Proxy-Authorization",
            "cookie",
            "Set-Cookie",
            "x-api-key",
            "apikey",
            "X-Auth-Token",
            "x-csrf-token",
            "x-goog-api-key",
            "Ocp-Apim-Subscription-Key",
            "x-functions-key",
            "x-amz-security-token",
            "private-token",
            "X-Auth",
            "x-client-secret",
            "X-Hub-Signature",
        ];
        let open = [
            "content-type",
            "www-authenticate",
            "x-ratelimit-remaining-tokens",
            "etag",
            "sec-websocket-key",
            "x-request-id",
            "host",
            "accept",
            "authority",
        ];
        for (names, expected) in [(&secret[..], true), (&open[..], false)] {
            for name in names {
                assert_eq!(is_sensitive_header(name), expected, "{name}");
            }
        }
    }
}
