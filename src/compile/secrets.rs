//! `secrets` and `env`: where their values come from, and every value that must not be shown.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::diagnostic::{Diagnostic, FileId, Located};
use crate::mask::{is_sensitive_header, is_sensitive_key};
use crate::plan::bounds::Bounds;
use crate::plan::load::{Loaded, Variables};
use crate::plan::model::{Scalar, Secret};
use crate::plan::node::Node;
use crate::template::SlotId;

use super::names::Below;
use super::refusal::Use;
use super::{Compiler, Purpose, codes, files};

/// `env` in templates: looked up by name.
#[derive(Debug)]
struct Environment(Variables);

impl Object for Environment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).map(Value::from)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

impl Compiler<'_> {
    /// Values of `env` and `secrets`.
    pub(super) fn secrets_and_environment(&mut self) -> Vec<(SlotId, Value)> {
        let plan = self.plan;
        for (name, secret) in &plan.secrets {
            // A stand-in, so that the rest of the plan is checked too.
            let value = self.secret(name, secret).unwrap_or_else(|| "missing-secret".to_owned());
            self.secrets.insert(name.value.clone(), value);
        }
        let known = self.secrets.keys().cloned().collect::<BTreeSet<_>>();
        self.known.fixed.insert("secrets".into(), Below::Only(known));
        let env = Value::from_object(Environment(self.environment.clone()));
        let env = (self.names.add("env"), env);
        vec![env, (self.names.add("secrets"), Value::from(self.secrets.clone()))]
    }

    fn secret(&mut self, name: &Located<String>, secret: &Secret) -> Option<String> {
        let default = secret.default.as_ref().map(|default| default.value.0.clone());
        if let Some(file) = secret.file.as_ref().filter(|_| secret.env.is_none()) {
            return self.secret_of_file(name, file, default);
        }
        // With both, or without either, the plan's form is wrong, and that is said.
        let variable = secret.env.as_ref()?;
        if !self.may_read_secret(variable) {
            return None;
        }
        let value = self.environment.get(&variable.value).or(default);
        if value.is_none() {
            self.missing_secret(name, variable);
        }
        value
    }

    fn secret_of_file(
        &mut self,
        name: &Located<String>,
        file: &Located<String>,
        default: Option<String>,
    ) -> Option<String> {
        let path = self.input(file, Use::Sent)?;
        match files::read_secret(&path, &self.bounds) {
            Ok(value) => Some(value),
            Err(files::NoSecret::Absent) if default.is_some() => default,
            Err(files::NoSecret::Absent) => {
                let message =
                    format!("the secret `{}` has no value: {} is not there", name.value, path.display());
                let help =
                    "create the file, or give a `default`; a relative path starts at the plan's own folder";
                self.error(self.no_value(file, message).help(help));
                None
            }
            Err(files::NoSecret::Unusable(words)) => {
                let words = format!("the secret `{}` has no value: {words}", name.value);
                self.error_in_words(codes::SECRET, file.span, &words);
                None
            }
        }
    }

    fn missing_secret(&mut self, name: &Located<String>, variable: &Located<String>) {
        let message = format!("the secret `{}` has no value: {} is not set", name.value, variable.value);
        let help = format!(
            "set {} in the environment or in `.env` beside the plan, or give a `default`",
            variable.value
        );
        self.error(self.no_value(variable, message).help(help));
    }

    /// A run needs the value; looking at a plan does not.
    fn no_value(&self, at: &Located<String>, message: String) -> Diagnostic {
        match self.purpose {
            Purpose::Run => Diagnostic::error(codes::SECRET, at.span, message),
            Purpose::Check => Diagnostic::warning(codes::SECRET, at.span, message),
        }
    }

    /// Remembers which variables of the environment templates name.
    pub(super) fn note_variables(&mut self, names: &BTreeSet<String>) {
        let variables = names.iter().filter_map(|dotted| dotted.strip_prefix("env."));
        self.env_names.extend(variables.map(|name| name.split('.').next().unwrap_or_default().to_owned()));
    }

    /// Values of variables that a template names and whose name says that they are credentials.
    pub(super) fn sensitive_variables(&self) -> Vec<String> {
        // The working directory is no password.
        let is_sensitive =
            |name: &&String| is_sensitive_key(name) && !["PWD", "OLDPWD"].contains(&name.as_str());
        self.env_names.iter().filter(is_sensitive).filter_map(|name| self.environment.get(name)).collect()
    }

    /// Warns of a value that stands in the plan under a name that says it is a credential.
    pub(super) fn warn_of_literal(&mut self, key: &str, value: &Located<Scalar>) {
        if is_sensitive_header(key) && is_written_credential(key, &value.value) {
            self.literal_credential(key, value.span);
        }
    }

    /// As [`Compiler::warn_of_literal`] for a value of a JSON body.
    pub(super) fn warn_of_literal_text(&mut self, key: &str, text: &str, span: crate::diagnostic::Span) {
        if is_sensitive_key(key) && is_written_credential(key, text) {
            self.literal_credential(key, span);
        }
    }

    fn literal_credential(&mut self, key: &str, span: crate::diagnostic::Span) {
        let name: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
            .collect();
        // What is borne is a token.
        let name = if name == "bearer" { "token".to_owned() } else { name };
        let message = format!("the value of `{key}` stands in the plan, where everyone can read it");
        let variable = name.to_ascii_uppercase();
        self.error(
            Diagnostic::warning(codes::CREDENTIAL, span, message)
                .help(format!("write `secrets: {{ {name}: {{ env: {variable} }} }}`, and `{{{{ secrets.{name} }}}}` here; what is under `secrets` is hidden in reports"))
                .private(),
        );
    }
}

/// Whether a text under the name of a credential is one that was written out: nothing computed, and no stand-in.
fn is_written_credential(key: &str, text: &str) -> bool {
    /// `fetch` asks for a CSRF token, `include` and the like are words of browsers.
    const NOTHING: [&str; 12] = [
        "",
        "none",
        "null",
        "nil",
        "undefined",
        "true",
        "false",
        "fetch",
        "required",
        "include",
        "omit",
        "same-origin",
    ];
    let is_template = ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark));
    let text = text.trim();
    let bare = ["bearer", "basic", "token"]
        .iter()
        .find_map(|scheme| {
            text.get(..scheme.len())
                .filter(|start| start.eq_ignore_ascii_case(scheme))
                .map(|s| &text[s.len()..])
        })
        .filter(|rest| rest.is_empty() || rest.starts_with(' '))
        .unwrap_or(text)
        .trim();
    let is_masked = bare.chars().all(|c| matches!(c, '*' | '.' | '…' | '-' | '<' | '>'));
    if is_template || is_masked || NOTHING.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
        return false;
    }
    // Most cookies are no credentials; their own names tell.
    !key.trim().eq_ignore_ascii_case("cookie")
        || text
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .any(|(name, value)| is_sensitive_key(name.trim()) && is_written_credential(name, value))
}

/// Every value that must not be shown, whatever is wrong with the plan: all under `secrets`, those of the
/// environment and of files among them, and the credentials that shorthands of `auth` have written out. What a
/// profile or another file has replaced still stands in a text that a problem may quote.
pub fn secret_values(loaded: &Loaded) -> Vec<String> {
    let (mut values, mut paths) = (vec![], BTreeSet::new());
    for tree in loaded.effective.iter().chain(&loaded.layers) {
        values_of(tree, loaded, &mut values, &mut paths);
        let profiles = tree.get("profiles").and_then(Node::as_map).unwrap_or_default();
        profiles.iter().for_each(|(_, profile)| values_of(profile, loaded, &mut values, &mut paths));
    }
    if !paths.is_empty() {
        let plan = loaded.sources.get(FileId(0)).dir.join("plan");
        let bounds = Bounds::of(&plan, loaded.trust.is_stranger);
        values.extend(paths.iter().filter_map(|path| files::read_secret(path, &bounds).ok()));
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// What stands in `tree` itself or in the environment; adds the paths of the files that hold others.
fn values_of(tree: &Node, loaded: &Loaded, values: &mut Vec<String>, paths: &mut BTreeSet<PathBuf>) {
    for (_, secret) in tree.get("secrets").and_then(Node::as_map).unwrap_or_default() {
        for (key, value) in secret.as_map().unwrap_or_default() {
            match (key.value.as_str(), value.as_str()) {
                ("env", Some(name)) => values.extend(loaded.environment.get(name)),
                ("file", Some(path)) => {
                    let file = Located { value: path.to_owned(), span: value.span };
                    paths.insert(files::path_of(&file, &loaded.sources));
                }
                _ => collect(value, values),
            }
        }
        values.extend(secret.scalar_text());
    }
    let scenarios = tree.get("scenarios").and_then(Node::as_map).unwrap_or_default();
    let own = scenarios.iter().filter_map(|(_, scenario)| scenario.get("auth"));
    tree.get("auth").into_iter().chain(own).for_each(|auth| literals_of(auth, values));
}

/// Where shorthands of `auth` hold their credentials.
const CREDENTIALS: [&[&str]; 4] =
    [&["bearer"], &["basic", "password"], &["api_key", "value"], &["oauth2", "client_secret"]];

fn literals_of(auth: &Node, values: &mut Vec<String>) {
    // One that is no map is wrong, and may be `user:password`, or the key itself.
    for text in ["basic", "api_key", "oauth2"].iter().filter_map(|key| auth.get(key)?.scalar_text()) {
        values.extend(text.split_once(':').map(|(_, password)| password.to_owned()));
        values.push(text);
    }
    let mut found = vec![];
    for path in CREDENTIALS {
        let node = path.iter().try_fold(auth, |node, key| node.get(key));
        node.into_iter().for_each(|node| collect(node, &mut found));
    }
    values.extend(found.into_iter().filter(|text| !text.contains("{{") && !text.contains("{%")));
}

fn collect(node: &Node, values: &mut Vec<String>) {
    values.extend(node.scalar_text());
    node.as_list().unwrap_or_default().iter().for_each(|item| collect(item, values));
    node.as_map().unwrap_or_default().iter().for_each(|(_, item)| collect(item, values));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_told_from_stand_ins() {
        for (key, text, expected) in [
            ("password", "hunter2", true),
            ("authorization", "Bearer eyJ", true),
            ("authorization", "Basic dXNlcjpw", true),
            ("authorization", "token-without-scheme", true),
            ("authorization", "Bearer", false),
            ("authorization", "Bearer {{ auth.token }}", false),
            ("password", "", false),
            ("password", " ", false),
            ("token", "null", false),
            ("token", "{% if x %}a{% endif %}", false),
            ("x-csrf-token", "Fetch", false),
            ("api_key", "<…>", false),
            ("api_key", "***", false),
            ("cookie", "theme=dark; lang=en", false),
            ("cookie", "theme=dark; sid=3f2a", true),
        ] {
            assert_eq!(is_written_credential(key, text), expected, "{key}: {text}");
        }
    }
}
