//! Which guards the value has that a filter, test or function is given. Must not read code.

use super::super::super::functions::{FILTERS, FUNCTIONS};
use super::super::{NUMBER, PLAIN, SHORT, THERE, WEIGHED};

/// Guards around a value, the inner one first.
pub(super) type Guards = &'static [&'static str];

/// Filters that look at what is not there.
const LENIENT_FILTERS: &[&str] = &["default", "d"];
/// Filters that give a number.
const COUNTING_FILTERS: &[&str] = &["length", "count"];
/// Filters that look at no more than they are charged for.
const FREE_FILTERS: &[&str] = &[
    "length", "count", "first", "last", "list", "items", "reverse", "chain", "zip", "batch", "slice", "bool",
];
/// Filters that calculate.
const CALCULATING_FILTERS: &[&str] = &["abs", "float", "format", "int", "round"];
/// minijinja's filters that walk a value and make no text of it.
const WALKING_FILTERS: &[&str] = &[
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
const LIST_FUNCTIONS: &[&str] = &["range", "dict", "namespace", "random_choice", "weighted_choice"];
/// Tests that look at what is not there.
const LENIENT_TESTS: &[&str] = &["defined", "undefined"];
/// Tests that look at the kind of a value only.
const FREE_TESTS: &[&str] = &[
    "none", "boolean", "odd", "even", "number", "integer", "int", "float", "string", "sequence", "iterable",
    "mapping", "true", "false", "safe", "escaped",
];

/// The guards of a filter's input and of its arguments.
pub(super) fn of_filter(name: &str, by_attribute: bool) -> (Guards, Guards) {
    match name {
        _ if LENIENT_FILTERS.contains(&name) => (&[], &[WEIGHED]),
        _ if by_attribute || FREE_FILTERS.contains(&name) => (&[THERE], &[WEIGHED]),
        _ if WALKING_FILTERS.contains(&name) => (&[WEIGHED, PLAIN], &[WEIGHED, PLAIN]),
        _ if FILTERS.contains(&name) => (&[WEIGHED, THERE], &[WEIGHED]),
        _ if CALCULATING_FILTERS.contains(&name) => (&[SHORT, PLAIN], &[SHORT, PLAIN]),
        _ => (&[SHORT, THERE], &[SHORT]),
    }
}

/// Whether a filter gives a number.
pub(super) fn counts(name: &str) -> bool {
    COUNTING_FILTERS.contains(&name)
}

/// The guards of a test's input and of its arguments.
pub(super) fn of_test(name: &str) -> Guards {
    match name {
        _ if LENIENT_TESTS.contains(&name) => &[],
        _ if FREE_TESTS.contains(&name) => &[NUMBER],
        _ => &[SHORT, PLAIN],
    }
}

/// The guards of a function's arguments; a macro's are as they were given.
pub(super) fn of_function(name: &str) -> Guards {
    match name {
        "range" => &[WEIGHED, PLAIN],
        _ if FUNCTIONS.contains(&name) && !LIST_FUNCTIONS.contains(&name) => &[SHORT, PLAIN],
        _ => &[WEIGHED],
    }
}
