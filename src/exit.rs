//! Exit codes, in one place. What they mean: `docs/guide/exit-codes.md`.

/// How a process of plimsoll ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every threshold met, or only warnings.
    Pass = 0,
    /// A threshold missed, or without enough data; or warnings under `--strict`.
    Fail = 1,
    /// Wrong usage, or the plan is not valid: nothing was sent.
    Usage = 2,
    /// The run could not be done: target never ready, auth impossible, a report not writable, internal error.
    CouldNotRun = 3,
    /// The generator, not the target, was the limit.
    Invalid = 4,
    /// Ctrl-C, SIGTERM or SIGHUP; reports are complete for what ran.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
