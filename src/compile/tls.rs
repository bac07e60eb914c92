//! TLS settings: their files read and checked. Must not connect to anything.

use crate::diagnostic::{Diagnostic, Located, Span};
use crate::http::{TlsSettings, identity_of, roots_of, server_name};
use crate::plan::model::{self, Resumption};

use super::refusal::Use;
use super::{Compiler, Purpose, codes, files};

impl Compiler<'_> {
    /// What the plan says about TLS, once its targets are known.
    pub(super) fn tls(&mut self) -> TlsSettings {
        let mut settings = TlsSettings::default();
        let plan = self.plan;
        let Some(written) = plan.http.as_ref().and_then(|http| http.tls.as_ref()) else { return settings };
        if let Some((ca, text)) = written.ca.as_ref().and_then(|ca| Some((ca, self.pem(ca)?))) {
            match roots_of(&text) {
                Ok(roots) => settings.roots = roots,
                Err(words) => self.tls_error(ca.span, &format!("{}: {words}", ca.value)),
            }
        }
        self.identity(written, &mut settings);
        if let Some(name) = &written.server_name {
            settings.server_name = server_name(&name.value);
            if settings.server_name.is_none() {
                let words =
                    format!("`{}` is no name a certificate can be for; write a host name", name.value);
                self.tls_error(name.span, &words);
            }
        }
        settings.without_resumption =
            written.resumption.as_ref().is_some_and(|resumption| resumption.value == Resumption::Off);
        if let Some(insecure) = written.insecure.as_ref().filter(|insecure| insecure.value) {
            settings.insecure = true;
            let message = "certificates are not checked: anyone may answer in the target's place";
            let help = "name the authority of your targets with `ca` instead";
            self.error(Diagnostic::warning(codes::TLS, insecure.span, message).help(help));
        }
        if !self.targets.is_empty() && self.targets.iter().all(|target| !target.tls) {
            let message = "`tls` does nothing: no target starts with https://";
            let help = "write https:// in the target, or remove `tls`";
            self.error(Diagnostic::warning(codes::TLS, written.span, message).help(help));
        }
        settings
    }

    fn identity(&mut self, written: &model::Tls, settings: &mut TlsSettings) {
        let (Some(cert), Some(key)) = (&written.cert, &written.key) else { return };
        let (Some(certificate), Some(secret)) = (self.pem(cert), self.pem(key)) else { return };
        match identity_of(&certificate, &secret) {
            Ok(identity) => settings.identity = Some(identity),
            Err(words) if words.starts_with("holds") => {
                self.tls_error(cert.span, &format!("{}: {words}", cert.value));
            }
            Err(words) => self.tls_error(key.span, &words),
        }
    }

    /// The text of a PEM file, which may lie where secrets are.
    fn pem(&mut self, file: &Located<String>) -> Option<String> {
        if file.value.contains("{{") {
            self.tls_error(file.span, "the path of a file cannot be computed; write it out");
            return None;
        }
        let path = self.input(file, Use::Kept)?;
        match files::read_pem(&path, &self.bounds) {
            Ok(text) => Some(text),
            Err(files::NoSecret::Absent) => {
                // As with secrets: looking at a plan does not need it.
                let message = format!("{}: no such file", path.display());
                let problem = match self.purpose {
                    Purpose::Run => Diagnostic::error(codes::TLS, file.span, message),
                    Purpose::Check => Diagnostic::warning(codes::TLS, file.span, message),
                };
                self.error(problem.help("a path starts at the plan's own folder, or is below /run/secrets"));
                None
            }
            Err(files::NoSecret::Unusable(words)) => {
                self.tls_error(file.span, &words);
                None
            }
        }
    }

    fn tls_error(&mut self, span: Span, words: &str) {
        self.error_in_words(codes::TLS, span, words);
    }
}
