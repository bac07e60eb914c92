//! The JSON Schema of the result document, made from the types. Must not be edited by hand anywhere.

use super::model::ResultDocument;

/// JSON Schema (draft 2020-12) of [`ResultDocument`].
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(ResultDocument).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// `PLIMSOLL_BLESS=1 cargo test` rewrites the file.
    #[test]
    fn the_file_is_the_schema_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/result.schema.json");
        let made = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        if std::env::var_os("PLIMSOLL_BLESS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == made, "schemas/result.schema.json is stale: run the tests with PLIMSOLL_BLESS=1");
    }

    #[test]
    fn documents_are_valid_by_it() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for doc in [fixture::failing(), fixture::empty()] {
            let value = serde_json::to_value(&doc).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
    }
}
