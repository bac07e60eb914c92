//! Which of minijinja's filters, functions and tests walk a value, and which make a text of it. Must not read code.

/// Filters that look at no more than they are charged for.
pub(super) const FREE_FILTERS: &[&str] = &[
    "length", "count", "first", "last", "default", "d", "list", "items", "reverse", "chain", "zip", "batch",
    "slice", "bool",
];
/// minijinja's filters that walk a value and make no text of it.
pub(super) const WALKING_FILTERS: &[&str] = &[
    "sort",
    "unique",
    "min",
    "max",
    "groupby",
    "dictsort",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "sum",
    "attr",
];
/// Functions that take lists.
pub(super) const LIST_FUNCTIONS: &[&str] =
    &["range", "dict", "namespace", "random_choice", "weighted_choice"];
/// Tests that look at the kind of a value only.
pub(super) const FREE_TESTS: &[&str] = &[
    "defined",
    "undefined",
    "none",
    "boolean",
    "odd",
    "even",
    "number",
    "integer",
    "int",
    "float",
    "string",
    "sequence",
    "iterable",
    "mapping",
    "true",
    "false",
    "safe",
    "escaped",
];
