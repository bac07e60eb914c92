//! Views made into values of their own. minijinja computes slices, reversed, joined and merged lists and maps only when
//! somebody walks through them; a view of a view of a view … costs each time as many steps as there are views, and takes
//! stack for each. What a name keeps is therefore flattened first. Must not change what a value is worth.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectExt as _, ObjectRepr, ValueKind};

use super::json::Container;

/// The items of a view: as a view it can be walked through, but not be indexed or measured otherwise.
#[derive(Debug)]
struct Flat(Vec<Value>);

impl Object for Flat {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        self.mapped_enumerator(|this| Box::new(this.0.iter().cloned()))
    }
}

/// Whether the value itself, not a part of it, is computed when it is walked through.
pub(super) fn is_view(value: &Value) -> bool {
    let Some(object) = value.as_object() else { return false };
    match object.repr() {
        ObjectRepr::Iterable => !object.is::<Flat>(),
        // The types themselves are minijinja's own.
        ObjectRepr::Seq => object.type_name().ends_with("MergeSeq"),
        ObjectRepr::Map => object.type_name().ends_with("MergeDict"),
        _ => false,
    }
}

/// The value without views in it; called with what has been weighed: it ends, and is not deep. What came from an answer
/// has no views, and keeps its own text.
pub(super) fn without_views(value: &Value) -> Value {
    if value.downcast_object_ref::<Container>().is_some() {
        return value.clone();
    }
    let items = || value.try_iter().into_iter().flatten().map(|item| without_views(&item));
    match value.kind() {
        ValueKind::Iterable => Value::from_object(Flat(items().collect())),
        ValueKind::Seq if value.is_tuple() => value.clone(),
        ValueKind::Seq => items().collect(),
        ValueKind::Map if is_view(value) || is_plain_map(value) => {
            let pairs = value.try_iter().into_iter().flatten();
            let part = |key: &Value| without_views(&value.get_item(key).unwrap_or_default());
            Value::from(pairs.map(|key| (key.clone(), part(&key))).collect::<BTreeMap<_, _>>())
        }
        // Another object with entries may be more than these.
        _ => value.clone(),
    }
}

/// A map as minijinja makes it.
fn is_plain_map(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.type_name().contains("Map<"))
}

#[cfg(test)]
mod tests {
    use super::super::{Expr, Names, Scope};
    use super::*;

    fn value(code: &str) -> Value {
        let scope = Scope::new(Arc::new(Names::default()), &[]);
        let expr = Expr::compile(code).unwrap_or_else(|error| panic!("{code}: {error:?}"));
        expr.eval(&scope).unwrap_or_else(|error| panic!("{code}: {error:?}"))
    }

    #[test]
    fn views_are_known_and_become_what_they_show() {
        for code in [
            "[1, 2, 3][1:]",
            "[1, 2, 3][::-1]",
            "[1, 2] | reverse",
            "[1] + [2]",
            "[1] | chain([2])",
            "{'a': 1} | items",
            "{'a': 1} | chain({'b': [1][0:]})",
            "[1, [2, 3][0:]][0:]",
        ] {
            let view = value(code);
            let flat = without_views(&view);
            assert!(is_view(&view), "{code} is no view");
            assert!(!is_view(&flat), "{code} stays a view");
            assert_eq!(
                (flat.kind(), flat.to_string(), flat.len()),
                (view.kind(), view.to_string(), view.len()),
                "{code}"
            );
            assert_eq!(flat, view, "{code}");
        }
        for code in ["[1, 2]", "{'a': 1}", "'text'", "(1, 2)", "dict({'a': 1}, b=2)", "range(3) | list", "1"]
        {
            assert!(!is_view(&value(code)), "{code}");
        }
    }
}
