//! The binary: allocator and exit code; everything else is in the library.

fn main() {}
