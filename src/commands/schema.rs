//! `plimsoll schema`: the JSON Schemas.

use crate::cli::SchemaKind;
use crate::exit::Exit;

use super::terminal::out;

pub fn schema(which: SchemaKind) -> Exit {
    let schema = match which {
        SchemaKind::Plan => crate::plan::schema::schema(),
        SchemaKind::Part => crate::plan::schema::part_schema(),
        SchemaKind::Result => crate::report::schema::schema(),
    };
    out(&format!("{schema:#}\n"));
    Exit::Pass
}
