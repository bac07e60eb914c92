//! Cookies that a plan writes, and whose jar a request has to do with.

use http::HeaderName;

use crate::cookie::is_value;
use crate::diagnostic::{Diagnostic, Located};
use crate::plan::model::{CookieJar, Entries, Scalar};
use crate::template::Text;

use super::model::JarUse;
use super::names::Place;
use super::{Compiler, codes};

impl Compiler<'_> {
    /// Cookies of a request, or of `auth.apply`.
    pub(super) fn cookies(
        &mut self,
        written: &Entries<Located<Scalar>>,
        place: Place,
    ) -> Box<[(String, Text)]> {
        let mut cookies = vec![];
        for (name, value) in written {
            // Both are tokens of HTTP.
            let is_name = HeaderName::from_bytes(name.value.as_bytes()).is_ok();
            if !is_name {
                let message = format!("`{}` is no name of a cookie", name.value);
                let help = "it has letters, digits, `-` and `_`, no spaces, no `=` and no `;`";
                self.error(Diagnostic::error(codes::HEADER, name.span, message).help(help));
            }
            let Some(text) = self.text(&value.value, value.span, place) else { continue };
            if text.literal_parts().iter().any(|part| !is_value(part)) {
                let message =
                    format!("the value of the cookie `{}` holds `;` or a control character", name.value);
                let help = "write each cookie under a name of its own; encode what a cookie cannot hold";
                self.error(Diagnostic::error(codes::HEADER, value.span, message).help(help).private());
            }
            if is_name {
                self.warn_of_literal(&name.value, value);
            }
            cookies.push((name.value.clone(), text));
        }
        cookies.into()
    }

    /// How long the scenario keeps cookies, when the plan says so.
    pub(super) fn cookie_jar(&self) -> Option<CookieJar> {
        let of_scenario = self.http.and_then(|http| http.cookies.as_ref());
        let of_plan = self.plan.http.as_ref().and_then(|http| http.cookies.as_ref());
        of_scenario.or(of_plan).map(|jar| jar.value)
    }

    pub(super) fn jar_use(&self, place: Place, auth: bool) -> JarUse {
        let is_wanted = self.cookie_jar() != Some(CookieJar::Off);
        match place {
            Place::Auth if is_wanted => JarUse::Login,
            Place::Request if is_wanted && auth => JarUse::UserAndLogin,
            Place::Request if is_wanted => JarUse::User,
            _ => JarUse::None,
        }
    }
}
