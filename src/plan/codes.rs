//! The stable codes of everything that can be wrong with a plan as text. `P100` and up belong to
//! [`crate::compile`]. A code is never given a second meaning.

/// The text is not YAML or TOML.
pub const SYNTAX: &str = "P001";
/// One key twice in one map.
pub const DUPLICATE_KEY: &str = "P002";
/// A template that YAML takes for a map.
pub const UNQUOTED_TEMPLATE: &str = "P003";
/// A tab where YAML wants spaces.
pub const TAB: &str = "P004";
/// Too large, too deep, too many nodes or aliases.
pub const LIMIT: &str = "P005";
/// The file cannot be read.
pub const UNREADABLE: &str = "P006";
/// Neither YAML nor TOML by its name.
pub const UNKNOWN_FORMAT: &str = "P007";
/// A file that cannot be included.
pub const INCLUDE: &str = "P008";
/// A key nobody reads.
pub const UNKNOWN_KEY: &str = "P010";
/// A key of a later version.
pub const NOT_YET: &str = "P011";
/// A list where text is wanted, and the like.
pub const WRONG_TYPE: &str = "P012";
/// A required key is absent.
pub const MISSING_KEY: &str = "P013";
/// Two keys that exclude each other.
pub const CLASH: &str = "P014";
/// A unit that is absent or unknown.
pub const UNIT: &str = "P015";
/// A word outside the allowed ones.
pub const UNKNOWN_WORD: &str = "P016";
/// A number outside its range.
pub const OUT_OF_RANGE: &str = "P017";
/// A format version this program does not read.
pub const VERSION: &str = "P018";
/// No profile of that name.
pub const UNKNOWN_PROFILE: &str = "P020";
/// A flag of the command line that cannot be applied to the plan.
pub const BAD_OVERRIDE: &str = "P021";
/// No target of that name.
pub const UNKNOWN_TARGET: &str = "P022";
/// A file of environment variables that cannot be read.
pub const ENV_FILE: &str = "P023";

/// A file that the plan may not read; most are met while it is compiled, so it is in the list of [`crate::compile`].
pub const FILE_REFUSED: &str = "P124";

/// Every code of this floor and what it stands for, in order.
pub const ALL: [(&str, &str); 21] = [
    (SYNTAX, "the text is not valid YAML or TOML"),
    (DUPLICATE_KEY, "a key is written twice"),
    (UNQUOTED_TEMPLATE, "a template needs quotes"),
    (TAB, "a tab is used for indentation"),
    (LIMIT, "the plan is larger than allowed"),
    (UNREADABLE, "the file cannot be read"),
    (UNKNOWN_FORMAT, "the file is neither .yaml, .yml nor .toml"),
    (INCLUDE, "a file cannot be included"),
    (UNKNOWN_KEY, "a key is not known here"),
    (NOT_YET, "a key is not supported in this version"),
    (WRONG_TYPE, "a value is of another kind than expected"),
    (MISSING_KEY, "a required key is missing"),
    (CLASH, "two keys exclude each other"),
    (UNIT, "a unit is missing or not known"),
    (UNKNOWN_WORD, "a word is not one of those allowed"),
    (OUT_OF_RANGE, "a number is out of range"),
    (VERSION, "the format version is not known"),
    (UNKNOWN_PROFILE, "there is no such profile"),
    (BAD_OVERRIDE, "a flag cannot be applied to the plan"),
    (UNKNOWN_TARGET, "there is no such target"),
    (ENV_FILE, "a file of environment variables cannot be read"),
];
