//! plimsoll — a declarative load-test runner. This file is the table of contents, lowest floor first;
//! a module uses only floors below its own.
