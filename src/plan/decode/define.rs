//! The two macros that define a map of the plan, or a choice of words, once: type, reading and schema.

/// Defines a struct whose fields are the keys of a map. A key is the field's name without trailing `_`.
/// `example` is one of its maps in a line; `later` lists keys of later versions; `foreign` names a function that
/// knows keys of other tools; `rules` names a function over the keys alone, `check` one over the finished value. `instead` gives a required key that is absent or cannot be read a
/// value, from the place of the map, so that the rest of the map is checked too.
macro_rules! plan_keys {
    (
        #[doc = $doc:literal]
        $what:literal
        pub struct $name:ident {
            $( #[doc = $field_doc:literal] $field:ident : $ty:ty, )*
        }
        $( example $example:literal )?
        $( later { $( $later:literal ),* } )?
        $( foreign $foreign:ident )?
        $( rules $rules:ident )?
        $( check $check:ident )?
        $( instead $absent:ident = $instead:ident )?
    ) => {
        #[doc = $doc]
        #[derive(Debug, Clone)]
        pub struct $name {
            $( #[doc = $field_doc] pub $field: $ty, )*
            /// Where the whole of it stands.
            pub span: $crate::diagnostic::Span,
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                true $( && self.$field == other.$field )*
            }
        }

        impl $crate::plan::decode::FromNode for $name {
            fn from_node(
                node: &$crate::plan::node::Node,
                out: &mut $crate::diagnostic::Diagnostics,
            ) -> Option<Self> {
                const LATER: &[&str] = &[$( $( $later ),* )?];
                let known = [$( stringify!($field).trim_end_matches('_') ),*];
                let required = [$( <$ty as $crate::plan::decode::FromNode>::absent().is_none() ),*];
                if node.as_map().is_none() {
                    let only = Some(known[0]).filter(|_| required[0]);
                    return $crate::plan::decode::value_for_map(node, $what, only, Self::example(), out);
                }
                let translate: Option<$crate::plan::decode::Translate> = None $( .or(Some($foreign)) )?;
                let keys = $crate::plan::decode::Keys::open(node, $what, &known, LATER, translate, out)?;
                $( $rules(&keys, out); )?
                $( let $field = keys.take::<$ty>(stringify!($field).trim_end_matches('_'), out); )*
                $( let $absent = $absent.or_else(|| Some($instead(keys.span()))); )?
                #[allow(unused_mut, reason = "few maps have a check")]
                let mut value = Self { $( $field: $field?, )* span: keys.span() };
                $( $check(&mut value, &keys, out); )?
                Some(value)
            }

            fn expected() -> String {
                $what.to_owned()
            }

            $(
                fn example() -> &'static str {
                    $example
                }
            )?

            fn keys() -> &'static [&'static str] {
                const KEYS: &[&str] = &[$( $crate::plan::decode::key_of(stringify!($field)) ),*];
                KEYS
            }

            fn schema(defs: &mut $crate::plan::decode::Definitions) -> serde_json::Value {
                $crate::plan::decode::object_schema(
                    stringify!($name),
                    $what,
                    $doc,
                    defs,
                    |defs| vec![$( $crate::plan::decode::property::<$ty>(
                        stringify!($field).trim_end_matches('_'), $field_doc, defs) ),*],
                )
            }
        }
    };
}

/// Defines an enum written as one of a few words.
macro_rules! plan_words {
    (
        #[doc = $doc:literal]
        $what:literal
        pub enum $name:ident {
            $( #[doc = $word_doc:literal] $variant:ident = $word:literal, )*
        }
    ) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $( #[doc = $word_doc] $variant, )*
        }

        impl $name {
            /// The word as written in a plan.
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )* }
            }
        }

        impl $crate::plan::decode::FromNode for $name {
            fn from_node(
                node: &$crate::plan::node::Node,
                out: &mut $crate::diagnostic::Diagnostics,
            ) -> Option<Self> {
                $crate::plan::decode::word(node, $what, &[$( ($word, Self::$variant) ),*], out)
            }

            fn expected() -> String {
                let words = [$( concat!("`", $word, "`") ),*];
                format!("{}: {}", $what, words.join(" or "))
            }

            fn schema(_: &mut $crate::plan::decode::Definitions) -> serde_json::Value {
                serde_json::json!({ "oneOf": [$(
                    { "const": $word, "description": $word_doc.trim() }
                ),*] })
            }
        }
    };
}
