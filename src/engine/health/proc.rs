//! The texts of `/proc` and of control groups, read into numbers. Pure: text in, numbers out; a text of another
//! shape is `None`, never 0. Sources: proc(5), Documentation/admin-guide/cgroup-v2.rst and
//! Documentation/scheduler/{sched-stats,sched-bwc}.rst of the Linux kernel.

/// A thread's or process's share of the cores, as the scheduler counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scheduled {
    /// Time on a core, ns.
    pub cpu_ns: u64,
    /// Time ready to run, waiting for a core, ns.
    pub queued_ns: u64,
}

/// `/proc/…/schedstat`: time on a core, time on a run queue, time slices.
pub fn schedstat(text: &str) -> Option<Scheduled> {
    let mut fields = text.split_whitespace().map(str::parse);
    Some(Scheduled { cpu_ns: fields.next()?.ok()?, queued_ns: fields.next()?.ok()? })
}

/// CPU ticks of user and system mode in `/proc/…/stat`.
pub fn cpu_ticks(stat: &str) -> Option<u64> {
    // The second field, the command's name, may hold spaces and ends at the last parenthesis.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(ticks(11)? + ticks(12)?)
}

/// A field of `/proc/self/status` in kB, as bytes: `VmHWM:` (largest), `VmRSS:` (now).
pub fn status_bytes(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The group of the process in `/proc/self/cgroup`, version 2: the line without controllers.
pub fn cgroup_v2_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The group of the process for the `cpu` controller, version 1, with the controllers mounted together with it.
pub fn cgroup_v1_path(text: &str) -> Option<(&str, &str)> {
    text.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == "cpu").then_some((controllers, path))
    })
}

/// Cores of `cpu.max` (version 2), `max 100000` being no limit.
pub fn quota_v2(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    cores(quota.parse().ok()?, period.parse().ok()?)
}

/// Cores of `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1), a quota of −1 being no limit.
pub fn quota_v1(quota: &str, period: &str) -> Option<f64> {
    cores(quota.trim().parse().ok()?, period.trim().parse().ok()?)
}

fn cores(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// Time the group was held back, µs, in `cpu.stat`: `throttled_usec` (version 2) or `throttled_time` in ns (1).
pub fn throttled_us(stat: &str) -> Option<u64> {
    let field = |name: &str| {
        let value = stat.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        value.trim().parse::<u64>().ok()
    };
    field("throttled_usec").or_else(|| Some(field("throttled_time")? / 1000))
}

/// First and last port given out to connections, of `/proc/sys/net/ipv4/ip_local_port_range`.
pub fn port_range(text: &str) -> Option<(u16, u16)> {
    let mut fields = text.split_whitespace().map(str::parse);
    let (first, last) = (fields.next()?.ok()?, fields.next()?.ok()?);
    (first <= last).then_some((first, last))
}

/// TCP sockets of the network namespace that hold a port, closed ones still waiting included, of
/// `/proc/self/net/sockstat`.
pub fn tcp_sockets(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let words: Vec<_> = line.split_whitespace().collect();
    let field = |name: &str| {
        words.chunks_exact(2).find(|pair| pair[0] == name).and_then(|pair| pair[1].parse::<u64>().ok())
    };
    Some(field("inuse")? + field("tw")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedstat_is_cpu_then_run_queue() {
        let seen = schedstat("1053156 3228324 17\n");
        assert_eq!(seen, Some(Scheduled { cpu_ns: 1_053_156, queued_ns: 3_228_324 }));
        for broken in ["", "1053156", "a b c", "-1 2 3"] {
            assert_eq!(schedstat(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "18644 (a) b (c)) R 18642 18642 15207 0 -1 4194304 115 0 0 0 71 29 0 0 20 0 1 0 122184";
        assert_eq!(cpu_ticks(stat), Some(100));
        assert_eq!(cpu_ticks("18644 (cat) R 1 2"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tplimsoll\nVmHWM:\t   12345 kB\nVmRSS:\t     345 kB\n";
        assert_eq!(status_bytes(status, "VmHWM:"), Some(12_345 * 1024));
        assert_eq!(status_bytes(status, "VmRSS:"), Some(345 * 1024));
        assert_eq!(status_bytes("Name:\tkthreadd\n", "VmRSS:"), None);
    }

    #[test]
    fn groups_of_both_versions() {
        let hybrid = "9:name=systemd:/\n4:memory:/jobs/7\n1:cpu,cpuacct:/jobs/7\n0::/unified\n";
        assert_eq!(cgroup_v1_path(hybrid), Some(("cpu,cpuacct", "/jobs/7")));
        assert_eq!(cgroup_v2_path(hybrid), Some("/unified"));
        let pure = "0::/user.slice/session-1.scope\n";
        assert_eq!((cgroup_v1_path(pure), cgroup_v2_path(pure)), (None, Some("/user.slice/session-1.scope")));
        assert_eq!(cgroup_v1_path("3:cpuset:/\n2:cpuacct:/\n"), None);
    }

    #[test]
    fn quotas_and_their_absence() {
        assert_eq!(quota_v2("150000 100000\n"), Some(1.5));
        assert_eq!(quota_v2("max 100000\n"), None);
        assert_eq!(quota_v1("50000\n", "100000\n"), Some(0.5));
        assert_eq!(quota_v1("-1\n", "100000\n"), None);
    }

    #[test]
    fn throttling_of_both_versions() {
        let v2 = "usage_usec 4321\nnr_periods 10\nnr_throttled 3\nthrottled_usec 250000\n";
        assert_eq!(throttled_us(v2), Some(250_000));
        let v1 = "nr_periods 10\nnr_throttled 3\nthrottled_time 250000000\n";
        assert_eq!(throttled_us(v1), Some(250_000));
        assert_eq!(throttled_us("usage_usec 4321\nuser_usec 1\nsystem_usec 2\n"), None);
    }

    #[test]
    fn ports() {
        assert_eq!(port_range("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(port_range("60999 32768"), None);
        let sockstat = "sockets: used 19\nTCP: inuse 2 orphan 0 tw 40 alloc 2 mem 28\nUDP: inuse 9 mem 0\n";
        assert_eq!(tcp_sockets(sockstat), Some(42));
        assert_eq!(tcp_sockets("sockets: used 19\n"), None);
    }
}
