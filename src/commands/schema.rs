//! `plimsoll schema`: the JSON Schemas.

use crate::cli::SchemaKind;
use crate::exit::Exit;

use super::terminal::out_exactly;

pub fn schema(which: SchemaKind) -> Exit {
    let schema = match which {
        SchemaKind::Plan => crate::plan::schema::schema(),
        SchemaKind::Part => crate::plan::schema::part_schema(),
        SchemaKind::Result => crate::report::schema::schema(),
    };
    out_exactly(&format!("{schema:#}\n"));
    Exit::Pass
}
