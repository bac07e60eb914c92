//! The template kernel: what is static never enters minijinja, a lone path is looked up directly, and only
//! the rest is evaluated. Holds texts, expressions, scopes and the built-in functions; must not know what a
//! request is.

mod block;
mod expression;
mod flat;
mod functions;
mod guard;
mod json;
mod lexer;
mod place;
mod references;
mod scope;
mod text;
mod value;
mod words;

pub use block::{FileMistake, Link, TemplateFile};
pub use expression::{Expr, ExprError};
pub use functions::{FILES, FILTERS, FUNCTIONS, Files, Rng, is_function, random_letters, with_rng};
pub use json::{Answer, Document, JsonError, JsonText, compact, has_written_number, memory_of, number};
pub use place::{
    files_in_expression, files_in_template, name_in_expression, name_in_template, uses_in_expression,
    uses_in_template,
};
pub use references::{Reference, references};
pub use scope::{Names, RESPONSE_NAMES, Scope, SlotId, UserNumbers};
pub use text::{SyntaxError, Text};
pub use value::{to_text, write_json, write_text};
pub use words::{OTHER_FILTERS, TESTS};

use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior};

/// Instructions one evaluation may use: endless loops in a plan end here.
const FUEL: u64 = 50_000;

/// How deep macros and loops may call themselves: each level takes stack.
const RECURSION: usize = 100;

/// The environment every expression is compiled in. One for the process: it holds functions and rules,
/// never anything of a plan.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(RECURSION);
    env.set_debug(false); // the captured locals of a debug error would hold secrets
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_formatter(|out, state, value| {
        if value.is_undefined() {
            return Err(minijinja::ErrorKind::UndefinedError.into());
        }
        guard::weigh(state, value, usize::MAX)?;
        let mut text = String::new();
        write_text(value, &mut text);
        out.write_str(&text).map_err(Into::into)
    });
    functions::install(&mut env);
    guard::install(&mut env);
    env.remove_global("debug"); // it would show the scope, with secrets
    env
}

/// Why a template or expression could not be evaluated. Never holds a value, only names and expressions, so
/// that it cannot carry a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// A name that has no value yet.
    #[error("`{0}` has no value yet")]
    Undefined(String),
    /// The answer is not JSON; with what is wrong there.
    #[error("`json` cannot be read, the answer is not JSON: {0}")]
    NotJson(String),
    /// What is asked of the answer needs more memory than a user has for values, bytes.
    #[error("what is asked of the answer needs more than the {} bytes a user has for values", .0)]
    TooLarge(usize),
    /// Anything else minijinja says.
    #[error("`{expression}`: {message}")]
    Other {
        /// The expression as written.
        expression: String,
        /// What is wrong.
        message: String,
    },
}
