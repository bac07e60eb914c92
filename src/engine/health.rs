//! The generator's own resources, as the system counts them.

/// What the process used; absent where the system does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Resources {
    /// CPU seconds of all threads.
    pub cpu_s: Option<f64>,
    /// Largest resident memory, bytes.
    pub max_rss_bytes: Option<u64>,
}

impl Resources {
    /// Reads `/proc/self` (Linux; see proc(5)).
    pub fn read() -> Self {
        Self { cpu_s: cpu_seconds(), max_rss_bytes: max_rss() }
    }
}

fn cpu_seconds() -> Option<f64> {
    /// USER_HZ: fixed at 100 in Linux's ABI.
    const TICKS_PER_S: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the command's name, may hold spaces and ends at the last parenthesis.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) as f64 / TICKS_PER_S)
}

fn max_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
