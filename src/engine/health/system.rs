//! Asks the system about the process: CPU, run queue, throttling, descriptors, ports, memory. Linux answers
//! through `/proc`; elsewhere everything is absent. Judges nothing.

use std::fs::{File, read_to_string};
use std::path::{Path, PathBuf};

use super::proc::{self, Scheduled};

/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// CPU seconds of all threads, ended ones included.
pub fn cpu_s() -> Option<f64> {
    /// USER_HZ: fixed at 100 in Linux's ABI.
    const TICKS_PER_S: f64 = 100.0;
    Some(proc::cpu_ticks(&read_to_string("/proc/self/stat").ok()?)? as f64 / TICKS_PER_S)
}

/// CPU time of all threads, ended ones included, ns.
#[cfg(unix)]
pub fn cpu_ns() -> Option<u64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(u64::try_from(time.tv_sec).ok()? * 1_000_000_000 + u64::try_from(time.tv_nsec).ok()?)
}

/// CPU time of all threads; unknown here.
#[cfg(not(unix))]
pub fn cpu_ns() -> Option<u64> {
    None
}

/// Largest resident memory so far.
pub fn max_rss_bytes() -> Option<u64> {
    proc::status_bytes(&read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Resident memory now.
pub fn rss_bytes() -> Option<u64> {
    proc::status_bytes(&read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// File descriptors open now.
pub fn open_fds() -> Option<u64> {
    let folder = Path::new("/proc/self/fd");
    // Since Linux 6.2 the folder's size is the count; before it was 0 and the entries have to be counted.
    match folder.metadata().ok()?.len() {
        0 => Some(folder.read_dir().ok()?.count() as u64),
        count => Some(count),
    }
}

/// TCP sockets that hold a port, of everybody in the network namespace: an upper bound of the ports in use.
pub fn tcp_sockets() -> Option<u64> {
    proc::tcp_sockets(&read_to_string("/proc/self/net/sockstat").ok()?)
}

/// First and last port given out to connections.
pub fn port_range() -> Option<(u16, u16)> {
    proc::port_range(&read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?)
}

/// Name and share of each thread of the process.
pub fn threads() -> Vec<(String, Scheduled)> {
    let Ok(tasks) = Path::new("/proc/self/task").read_dir() else { return vec![] };
    let thread = |folder: PathBuf| {
        let name = read_to_string(folder.join("comm")).ok()?;
        let seen = proc::schedstat(&read_to_string(folder.join("schedstat")).ok()?)?;
        Some((name.trim_end().to_owned(), seen))
    };
    tasks.flatten().filter_map(|task| thread(task.path())).collect()
}

/// The calling thread's share, read again and again through one open file.
#[derive(Debug)]
pub struct ThisThread(Option<File>);

impl ThisThread {
    /// Of the thread that calls this.
    pub fn new() -> Self {
        Self(File::open("/proc/thread-self/schedstat").ok())
    }

    /// Its share so far; absent where the system does not say.
    pub fn read(&self) -> Option<Scheduled> {
        /// Three numbers of at most 20 digits.
        const LONGEST: usize = 64;
        let mut buffer = [0; LONGEST];
        let read = read_at_start(self.0.as_ref()?, &mut buffer)?;
        proc::schedstat(std::str::from_utf8(buffer.get(..read)?).ok()?)
    }
}

#[cfg(unix)]
fn read_at_start(file: &File, buffer: &mut [u8]) -> Option<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, 0).ok()
}

#[cfg(not(unix))]
fn read_at_start(_: &File, _: &mut [u8]) -> Option<usize> {
    None
}

/// The control group that limits the process's CPU time.
#[derive(Debug, Default)]
pub struct CpuGroup {
    /// From the process's own group up to the root.
    folders: Vec<PathBuf>,
}

impl CpuGroup {
    /// Finds it. In a container the group may be named as the host sees it; then only the root of the mount is there.
    pub fn find() -> Self {
        let Ok(text) = read_to_string("/proc/self/cgroup") else { return Self::default() };
        let (mount, path) = match (proc::cgroup_v1_path(&text), proc::cgroup_v2_path(&text)) {
            (Some((controllers, path)), _) => (Path::new(CGROUPS).join(controllers), path),
            (None, Some(path)) => (PathBuf::from(CGROUPS), path),
            (None, None) => return Self::default(),
        };
        let own = Path::new(path.trim_start_matches('/'));
        let folders =
            own.ancestors().map(|group| mount.join(group)).filter(|folder| folder.is_dir()).collect();
        Self { folders }
    }

    /// The tightest limit on the way up, in cores.
    pub fn quota_cores(&self) -> Option<f64> {
        let limit = |folder: &PathBuf| {
            let text = |name: &str| read_to_string(folder.join(name)).ok();
            text("cpu.max")
                .and_then(|max| proc::quota_v2(&max))
                .or_else(|| proc::quota_v1(&text("cpu.cfs_quota_us")?, &text("cpu.cfs_period_us")?))
        };
        self.folders.iter().filter_map(limit).min_by(f64::total_cmp)
    }

    /// Time the groups on the way up were held back in all, µs.
    pub fn throttled_us(&self) -> Option<u64> {
        let of = |folder: &PathBuf| proc::throttled_us(&read_to_string(folder.join("cpu.stat")).ok()?);
        self.folders.iter().filter_map(of).reduce(|all, one| all + one)
    }
}

/// Cores the process may run on: its affinity, cut by the quota of its control group.
pub fn allowed_cores(group: &CpuGroup) -> f64 {
    let affinity = affinity().unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    group.quota_cores().map_or(affinity as f64, |quota| quota.min(affinity as f64))
}

#[cfg(target_os = "linux")]
fn affinity() -> Option<usize> {
    let set = rustix::thread::sched_getaffinity(None).ok()?;
    Some(set.count() as usize).filter(|count| *count > 0)
}

#[cfg(not(target_os = "linux"))]
fn affinity() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_answers() {
        assert!(open_fds() > Some(2));
        assert!(port_range().is_some_and(|(first, last)| first < last));
        assert!(allowed_cores(&CpuGroup::find()) > 0.0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_in_use_and_most_of_it() {
        /// More than other tests beside this one and the kernel's batches of pages can hide.
        const BLOCK: u64 = 64 << 20;
        /// The kernel keeps the most in batches of pages a core.
        const SLACK: u64 = 8 << 20;
        let block = std::hint::black_box(vec![1u8; BLOCK as usize]);
        assert!(rss_bytes() > Some(BLOCK - SLACK));
        drop(block);
        assert!(max_rss_bytes() > Some(BLOCK - SLACK));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_calling_thread_is_among_all() {
        let name = std::thread::current().name().unwrap_or_default().chars().take(15).collect::<String>();
        // A thread of another test that ends while the folder is read may hide others: look again then.
        let found = (0..100).any(|_| threads().iter().any(|(thread, _)| *thread == name));
        assert!(found, "{name} is not in {:?}", threads());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_sees_its_own_work() {
        let thread = ThisThread::new();
        let before = thread.read().unwrap();
        let mut sum = 0u64;
        // Bounded by work, not by time; the scheduler counts at its ticks, so some ms are needed.
        for i in 0..200_000_000u64 {
            sum = std::hint::black_box(sum.wrapping_add(i));
            if i % 1_000_000 == 0 && thread.read().unwrap().cpu_ns > before.cpu_ns {
                return;
            }
        }
        panic!("{sum}: no time was counted since {before:?}");
    }
}
