//! How many redirects a request follows. One that can only pass with a redirect, or that reads where it leads, wants the
//! redirect itself; where that is not clear the plan is asked to say it.

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::expect::Check;
use crate::plan::model;

use super::model::Capture;
use super::names::Place;
use super::{Compiler, codes};

/// Redirects that a request follows when a plan says nothing, as k6 does.
const FOLLOWED: u16 = 10;
/// Statuses that lead elsewhere.
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Which answer a request asks something of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// That at the end of all redirects.
    Last,
    /// The redirect.
    Redirect,
    /// Either, by its words.
    Unclear,
}

impl<'a> Compiler<'a> {
    /// How many redirects a request follows that stands at `at`; `written` is what it says itself.
    pub(super) fn redirects(
        &mut self,
        written: Option<&Located<u16>>,
        place: Place,
        at: Span,
        (checks, captures): (&[Check], &[Capture]),
    ) -> u16 {
        if place == Place::Setup {
            // Ready is who answers, wherever that leads.
            return 0;
        }
        let of_scenario = self.http.and_then(|http| http.redirects.as_ref());
        let of_plan = self.plan.http.as_ref().and_then(|http| http.redirects.as_ref());
        let by_default = of_scenario.or(of_plan);
        let most = written.or(by_default).map_or(FOLLOWED, |most| most.value);
        if most == 0 {
            return 0;
        }
        match (wanted(checks, captures), written) {
            (Wanted::Last, _) => {}
            (Wanted::Redirect, None) => return 0,
            (Wanted::Redirect, Some(written)) => {
                let words = "a redirect is expected, and never the answer where redirects are followed";
                self.doubt_redirect(
                    written.span,
                    words,
                    "write `redirects: 0`, or expect the answer it leads to",
                );
            }
            (Wanted::Unclear, None) if by_default.is_none() => {
                let words = "a redirect is among what is expected, and redirects are followed";
                self.doubt_redirect(
                    at,
                    words,
                    "write `redirects: 0` for the redirect itself, or `redirects: 10`",
                );
            }
            (Wanted::Unclear, _) => {}
        }
        most
    }

    /// How many redirects the endpoint that a step uses says that it follows.
    pub(super) fn written_redirects(&self, step: &model::UseStep) -> Option<&'a Located<u16>> {
        self.group.endpoint(&step.use_.value).and_then(|(_, used)| used.redirects.as_ref())
    }

    /// Whether a poll that ends with an answer like `until` waits for a redirect.
    pub(super) fn is_redirect(&self, until: &str) -> bool {
        Check::compile(until).is_ok_and(|until| wanted(&[until], &[]) == Wanted::Redirect)
    }

    /// Doubts a condition on the answer before it, which is no redirect where these are followed.
    pub(super) fn doubt_condition(&mut self, source: &Located<String>) {
        let is_such = |check: Check| wanted(&[check], &[]) != Wanted::Last;
        if self.follows && Check::compile(&source.value).is_ok_and(is_such) {
            let words = "this is asked of a redirect, and the request before it follows redirects";
            self.doubt_redirect(source.span, words, "write `redirects: 0` in that request");
        }
    }

    fn doubt_redirect(&mut self, at: Span, words: &str, help: &str) {
        self.error(Diagnostic::warning(codes::REDIRECT, at, words).help(help));
    }
}

fn wanted(checks: &[Check], captures: &[Capture]) -> Wanted {
    let passes = |status: u16| checks.iter().all(|check| check.allows(status).unwrap_or(true));
    let redirects = REDIRECTS.into_iter().filter(|status| passes(*status)).count();
    if redirects == 0 {
        return Wanted::Last;
    }
    let mut others = (100..300).chain(400..600);
    let of_checks = checks.iter().map(|check| (check.source(), check.names()));
    let of_captures = captures.iter().map(|capture| (capture.expr.source(), capture.expr.names()));
    let reads_location = of_checks.chain(of_captures).any(|(source, names)| {
        let has =
            |name: &str| names.iter().any(|known| known == name || known.starts_with(&format!("{name}.")));
        has("headers") && names_location(source)
    });
    if reads_location || !others.any(passes) {
        return Wanted::Redirect;
    }
    let names_one = |check: &Check| {
        check.allows(0).is_none()
            && check.names().contains("status")
            && REDIRECTS.iter().any(|status| check.source().contains(&status.to_string()))
    };
    if redirects < REDIRECTS.len() || checks.iter().any(names_one) { Wanted::Unclear } else { Wanted::Last }
}

/// Whether an expression reads the header `location`.
fn names_location(source: &str) -> bool {
    let plain: String = source.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.to_ascii_lowercase().replace('"', "'");
    ["headers.location", "headers['location']"].iter().any(|read| plain.contains(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_wants_the_redirect_itself() {
        for (expect, expected) in [
            (&["status == 302"][..], Wanted::Redirect),
            (&["status in [301, 302]"], Wanted::Redirect),
            (&["status >= 300 and status < 400 and status != 304 and status != 300"], Wanted::Redirect),
            (&["status in [301, 304]"], Wanted::Redirect),
            (&["status == 302 or status == 303"], Wanted::Redirect),
            (&["status < 400", "headers.location == '/x'"], Wanted::Redirect),
            (&["status == 302", "json.x"], Wanted::Redirect),
            (&["status in [200, 302]"], Wanted::Unclear),
            (&["status == 302 and json.x"], Wanted::Unclear),
            (&["status == 200"], Wanted::Last),
            (&["status == 201", "headers.location is defined"], Wanted::Last),
            (&["status in [200, 304]"], Wanted::Last),
            (&["status < 400"], Wanted::Last),
            (&["json.status == 302"], Wanted::Last),
            (&["headers[ \"Location\" ] | length > 1"], Wanted::Redirect),
            (&["json.location == headers.x"], Wanted::Last),
            (&[], Wanted::Last),
        ] {
            let checks: Vec<_> = expect.iter().map(|source| Check::compile(source).unwrap()).collect();
            assert_eq!(wanted(&checks, &[]), expected, "{expect:?}");
        }
        assert_eq!(wanted(&[Check::default_status()], &[]), Wanted::Last);
    }
}
