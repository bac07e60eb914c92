//! The signals that ask a run to end: Ctrl-C, SIGTERM and SIGHUP. Must not decide what is ended.

/// Listens without a gap: a signal that comes between two waits is kept.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    listened: Vec<tokio::signal::unix::Signal>,
}

impl Signals {
    /// Begins to listen. To be called inside a runtime.
    ///
    /// # Errors
    /// When the system has no room for a handler.
    pub fn listen() -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
            // `nohup` asks for exactly this: that a terminal which is closed ends nothing.
            if is_ignored(SignalKind::hangup()) == Some(false) {
                kinds.push(SignalKind::hangup());
            }
            let listened = kinds.into_iter().map(signal).collect::<std::io::Result<_>>()?;
            Ok(Self { listened })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next signal of any kind.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        std::future::poll_fn(|context| {
            match self.listened.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Whether the process was told to ignore this signal; `None` where the system does not say. Then the signal is
/// left as it is: taking it over could undo a `nohup`. Source of the format: proc_pid_status(5), `SigIgn`.
#[cfg(unix)]
fn is_ignored(kind: tokio::signal::unix::SignalKind) -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    ignored_in(&status, kind.as_raw_value())
}

#[cfg(unix)]
fn ignored_in(status: &str, number: i32) -> Option<bool> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(line.trim(), 16).ok()?;
    let bit = u32::try_from(number).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals() {
        let status = "Name:\tplimsoll\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        assert_eq!(
            [1, 2, 13, 15].map(|number| ignored_in(status, number)),
            [Some(true), Some(false), Some(true), Some(false)]
        );
        for unknown in ["", "SigIgn:\tnothing\n", "Name:\tSigIgn: 1\n"] {
            assert_eq!(ignored_in(unknown, 1), None, "{unknown}");
        }
        assert_eq!([0, -1, 65, 1000].map(|number| ignored_in(status, number)), [None; 4]);
    }
}
