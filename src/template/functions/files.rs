//! `file("path")`: the text of a file that was read when the plan was compiled. Must not read anything itself.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Error, State, Value};

use super::invalid;

/// The name in a [`Scope`](crate::template::Scope) under which files are found; no plan can write it.
pub const FILES: &str = "file()";

/// Texts of files by the paths that name them in templates; filled while the plan is compiled.
#[derive(Debug, Default)]
pub struct Files(RwLock<BTreeMap<String, Value>>);

impl Files {
    /// Makes a text known under a path.
    pub fn add(&self, path: &str, text: &str) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_owned(), Value::from(text));
    }
}

impl Object for Files {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, path: &Value) -> Option<Value> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(path.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

pub(super) fn file(state: &State, path: String) -> Result<Value, Error> {
    let known = state.lookup(FILES).and_then(|files| files.get_item(&Value::from(path.as_str())).ok());
    match known {
        Some(text) if !text.is_undefined() => Ok(text),
        _ => Err(invalid("file() needs a path that is written out, such as file(\"terms.txt\")")),
    }
}
