//! What holds for the whole process, set before anything else: no core dump, which would hold every secret of a plan; and a
//! limit on the size of files (`ulimit -f`) is an error of the write that meets it, not the end of the process.

/// Sets it. What the system refuses stays as it was: none of it is worth not running for.
#[cfg(unix)]
pub fn prepare() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = survive_file_limit();
}

#[cfg(not(unix))]
pub fn prepare() {}

/// The system's answer to a file that grows past its limit is SIGXFSZ, which ends a process that has no handler for it.
/// tokio's stays for good, whatever becomes of its runtime; the write then fails with EFBIG.
#[cfg(unix)]
fn survive_file_limit() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    signal(SignalKind::from_raw(libc::SIGXFSZ)).map(drop)
}
