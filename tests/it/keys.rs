//! Every key of the language does something: a plan of `tests/valid` uses it, without it that plan is another one or none at
//! all, and one letter wrong in it is told with the right key, in both formats.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::support::compiled::{Checked, check, difference};
use crate::support::tree;
use plimsoll::plan::codes;
use plimsoll::plan::parse::Format;
use serde_json::{Map, Value};

/// A key of the language: the map it belongs to, as the schema calls it, and its name.
type Key = (String, String);

/// A key in a plan: the map that holds it, as a JSON pointer.
type Place = String;

struct Schema(Map<String, Value>);

impl Schema {
    fn new() -> Self {
        let schema = plimsoll::plan::schema::schema();
        let mut defs = schema["$defs"].as_object().unwrap().clone();
        // The same maps once more, with nothing required: for files that are included.
        defs.retain(|name, _| {
            name.strip_suffix("Part").is_none_or(|whole| schema["$defs"].get(whole).is_none())
        });
        Self(defs)
    }

    fn def(&self, schema: &Value) -> Option<(&str, &Value)> {
        let name = schema["$ref"].as_str()?.strip_prefix("#/$defs/")?;
        self.0.get_key_value(name).map(|(name, def)| (name.as_str(), def))
    }

    /// All keys.
    fn keys(&self) -> BTreeSet<Key> {
        let of = |(name, def): (&String, &Value)| {
            let own = def["properties"].as_object().into_iter().flatten();
            let inline = def["anyOf"].as_array().into_iter().flatten();
            let inline = inline.flat_map(|one| one["properties"].as_object().into_iter().flatten());
            own.chain(inline).map(|(key, _)| (name.clone(), key.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }

    /// Names of the keys that may stand in a map.
    fn names(&self, def: &str) -> Vec<&str> {
        self.0[def]["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.def(schema).map_or(schema, |(_, def)| def);
        if let Some(choices) = schema["anyOf"].as_array() {
            return choices.iter().any(|choice| self.fits(choice, value));
        }
        let wanted = schema["type"].as_str().unwrap_or("string");
        match (schema["properties"].as_object(), value) {
            (Some(known), Value::Object(map)) => {
                let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
                map.keys().all(|key| known.contains_key(key))
                    && required.into_iter().all(|key| map.contains_key(key))
            }
            (Some(_), _) => false,
            (None, Value::Object(_)) => wanted == "object",
            (None, Value::Array(_)) => wanted == "array",
            (None, _) => wanted != "object" && wanted != "array",
        }
    }

    /// Every key that a plan uses, and where.
    fn used(&self, plan: &Value) -> Vec<(Key, Place)> {
        let mut found = vec![];
        self.walk("Plan", &self.0["Plan"], plan, "", &mut found);
        found
    }

    fn walk(&self, name: &str, schema: &Value, value: &Value, at: &str, found: &mut Vec<(Key, Place)>) {
        let (name, schema) = self.def(schema).unwrap_or((name, schema));
        if let Some(choice) =
            schema["anyOf"].as_array().and_then(|all| all.iter().find(|one| self.fits(one, value)))
        {
            return self.walk(name, choice, value, at, found);
        }
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.walk(name, &schema["items"], item, &format!("{at}/{index}"), found);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    let inner = match schema["properties"].get(key) {
                        Some(inner) => {
                            found.push(((name.to_owned(), key.clone()), at.to_owned()));
                            inner
                        }
                        None => &schema["additionalProperties"],
                    };
                    let key = key.replace('~', "~0").replace('/', "~1");
                    self.walk(name, inner, item, &format!("{at}/{key}"), found);
                }
            }
            _ => {}
        }
    }
}

/// A plan of `tests/valid`, without what TOML cannot say.
struct Plan {
    path: PathBuf,
    tree: Value,
    profiles: Vec<Option<String>>,
}

/// The shortest first.
fn plans() -> Vec<Plan> {
    let read = |path: PathBuf| {
        let format = Format::of_path(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let (tree, _) = tree::without_nulls(tree::read(format, &text));
        let names = tree["profiles"].as_object().into_iter().flatten().map(|(name, _)| Some(name.clone()));
        let profiles = [None].into_iter().chain(names).collect();
        (text.len(), Plan { path, tree, profiles })
    };
    let mut all: Vec<_> = tree::plans_below("tests/valid").into_iter().map(read).collect();
    all.sort_by_key(|(length, _)| *length);
    all.into_iter().map(|(_, plan)| plan).collect()
}

impl Plan {
    fn compile(&self, format: Format, tree: &Value, profile: Option<&str>) -> Checked {
        check(format, &tree::write(format, tree), &self.path, profile)
    }

    /// The tree after a change of the map at a place.
    fn changed(&self, place: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
        let mut tree = self.tree.clone();
        change(tree.pointer_mut(place).unwrap().as_object_mut().unwrap());
        tree
    }
}

/// Values that do something, and that no plan without a warning has: `insecure: true` is warned of.
fn warned_of(key: &Key) -> Option<Value> {
    (key.0 == "Tls" && key.1 == "insecure").then_some(Value::Bool(true))
}

#[test]
fn every_key_is_used_and_without_it_the_plan_is_another() {
    let (schema, plans) = (Schema::new(), plans());
    let keys = schema.keys();
    assert!(keys.len() > 190, "{}", keys.len());
    let (mut used, mut alive) = (BTreeSet::new(), BTreeSet::new());
    for plan in &plans {
        let all = schema.used(&plan.tree);
        used.extend(all.iter().map(|(key, _)| key.clone()));
        let left: Vec<_> = all.into_iter().filter(|(key, _)| !alive.contains(key)).collect();
        for profile in plan.profiles.iter().map(Option::as_deref).filter(|_| !left.is_empty()) {
            let whole = plan.compile(Format::Yaml, &plan.tree, profile);
            let whole = whole.plan.unwrap_or_else(|| panic!("{}: {}", plan.path.display(), whole.told));
            for (key, place) in &left {
                if alive.contains(key) {
                    continue;
                }
                let other = warned_of(key).map(|value| {
                    let tree = plan.changed(place, |map| drop(map.insert(key.1.clone(), value)));
                    plan.compile(Format::Yaml, &tree, profile).plan.unwrap()
                });
                let whole = other.as_ref().unwrap_or(&whole);
                let tree = plan.changed(place, |map| drop(map.shift_remove(&key.1)));
                let without = plan.compile(Format::Yaml, &tree, profile).plan;
                if without.is_none_or(|without| difference(whole, &without).is_some()) {
                    alive.insert(key.clone());
                }
            }
        }
    }
    let unused: Vec<_> = keys.difference(&used).collect();
    assert!(unused.is_empty(), "no plan of tests/valid uses {unused:?}");
    let dead: Vec<_> = keys.difference(&alive).collect();
    assert!(dead.is_empty(), "keys that do nothing: {dead:?}");
}

/// The key with a letter lost, two swapped, one written twice, one wrong.
fn misspelt(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    let middle = letters.len() / 2;
    let (mut lost, mut swapped, mut twice, mut wrong) =
        (letters.clone(), letters.clone(), letters.clone(), letters.clone());
    lost.remove(middle);
    swapped.swap(middle - 1, middle);
    twice.insert(middle, letters[middle]);
    wrong[middle] = 'q';
    let mut all: Vec<String> =
        [lost, swapped, twice, wrong].map(|letters| letters.into_iter().collect()).into();
    all.retain(|word| word != key && !word.is_empty());
    all
}

#[test]
fn one_wrong_letter_in_any_key_is_told_with_the_right_key() {
    let (schema, plans) = (Schema::new(), plans());
    let mut first = BTreeMap::new();
    for plan in &plans {
        for (key, place) in schema.used(&plan.tree) {
            first.entry(key).or_insert((plan, place));
        }
    }
    let (mut tried, mut wrong) = (0, vec![]);
    for ((def, key), (plan, place)) in first {
        let known = schema.names(&def);
        for (index, word) in misspelt(&key).into_iter().enumerate() {
            if known.contains(&word.as_str()) {
                continue;
            }
            let tree = plan.changed(&place, |map| {
                let renamed = |(name, value)| (if name == key { word.clone() } else { name }, value);
                *map = std::mem::take(map).into_iter().map(renamed).collect();
            });
            for format in [Format::Yaml, Format::Toml] {
                // Each format meets every key, and each kind of error.
                if (index % 2 == 0) != (format == Format::Yaml) && index > 1 {
                    continue;
                }
                tried += 1;
                let checked = plan.compile(format, &tree, None);
                let help = format!("did you mean `{key}`?");
                let start = format!("`{word}` is not a key of ");
                let is_it = |problem: &&plimsoll::diagnostic::Diagnostic| {
                    problem.code == codes::UNKNOWN_KEY
                        && problem.message.starts_with(&start)
                        && problem.help.contains(&help)
                };
                let errors = checked.errors();
                if errors.len() != 1 || !errors.iter().any(is_it) {
                    wrong.push(format!("{def}.{key} as {word}, {format:?}:\n{}", checked.told));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 1_000, "{tried}");
}
