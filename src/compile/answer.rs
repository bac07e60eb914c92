//! What a request expects of its answer and remembers of it.

use crate::diagnostic::{Diagnostic, Located};
use crate::expect::{Check, Needs, StatusSet};
use crate::plan::model::{self, Entries};
use crate::template::{Expr, ExprError};

use super::model::Capture;
use super::names::Place;
use super::{Compiler, codes, syntax_help};

const EXPRESSION_HELP: &str = "an expression looks like `status == 200` or `json.results | length > 0`";

impl Compiler<'_> {
    pub(super) fn checks(&mut self, written: Option<&model::Expect>, place: Place) -> Vec<Check> {
        let mut checks = vec![];
        match written {
            None => {}
            Some(model::Expect::Map(map)) => {
                let ranges = map.status.0.iter().map(|status| match status.value {
                    model::StatusMatch::Code(code) => (code, code),
                    model::StatusMatch::Class(class) => (u16::from(class) * 100, u16::from(class) * 100 + 99),
                });
                let set: Vec<_> = ranges.collect();
                let words: Vec<_> = set
                    .iter()
                    .map(|(from, to)| if from == to { from.to_string() } else { format!("{}xx", from / 100) })
                    .collect();
                let words =
                    if words.len() == 1 { words[0].clone() } else { format!("one of {}", words.join(", ")) };
                checks.push(Check::status(format!("status is {words}"), StatusSet::new(set)));
            }
            Some(model::Expect::List(list)) => {
                for source in list {
                    if let Some(check) = self.expression(source, place, Check::compile) {
                        self.check_names(&check.names(), source.value.trim(), source.span, place);
                        checks.push(check);
                    }
                }
            }
        }
        // An `expect` about the body alone does not make an error page a success.
        let says_status = checks.iter().any(|check| check.names().contains("status"));
        if !says_status {
            checks.insert(0, Check::default_status());
        }
        checks
    }

    /// Compiles an expression, or says why not.
    pub(super) fn expression<T>(
        &mut self,
        source: &Located<String>,
        place: Place,
        compile: impl Fn(&str) -> Result<T, ExprError>,
    ) -> Option<T> {
        debug_assert!(matches!(place, Place::Answer | Place::AuthAnswer));
        let text = source.value.trim();
        if text.starts_with("{{") && text.ends_with("}}") {
            let bare = text.trim_start_matches("{{").trim_end_matches("}}").trim();
            self.error(
                Diagnostic::error(
                    codes::EXPRESSION,
                    source.span,
                    "an expression stands here without `{{ }}`",
                )
                .help(format!("write `{bare}`")),
            );
            return None;
        }
        match compile(text) {
            Ok(compiled) => Some(compiled),
            Err(error) => {
                let range = error.range.unwrap_or(0..text.len());
                let at = self.place_of(source.span, text, range);
                let help = error.help.or_else(|| syntax_help::of_expression(text));
                let help = help.unwrap_or_else(|| EXPRESSION_HELP.to_owned());
                self.error(Diagnostic::error(codes::EXPRESSION, at, error.message).help(help));
                None
            }
        }
    }

    pub(super) fn captures(&mut self, written: &Entries<Located<String>>, place: Place) -> Vec<Capture> {
        let mut captures = vec![];
        for (name, source) in written {
            let Some(expr) = self.expression(source, place, Expr::compile) else { continue };
            let names = expr.names();
            self.check_names(&names, source.value.trim(), source.span, place);
            let slot = if place == Place::AuthAnswer { None } else { self.names.get(&name.value) };
            let needs = Needs::of_expression(&expr);
            captures.push(Capture { name: name.value.as_str().into(), slot, needs, expr });
        }
        captures
    }
}
