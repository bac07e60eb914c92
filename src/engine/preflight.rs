//! What can be known before the first request: whether this machine has the descriptors, ports and addresses that
//! the plan's users need. Raises the limit of descriptors where it may; a run that cannot work does not start.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::compile::model::{CompiledPlan, Entry, Scenario, Step};

use crate::http::Target;

use super::health;

/// The machine cannot make the load.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PreflightError {
    /// Too few file descriptors, whatever we do.
    #[error(
        "{connections} connections ({users} users, a connection to each target they reach) need {needed} file \
         descriptors, and this process may open {hard}; raise the hard limit (`ulimit -Hn {needed}` as root, `LimitNOFILE=` \
         of a service, `--ulimit nofile={needed}` of a container), or use fewer users"
    )]
    Descriptors {
        /// Connections open at once.
        connections: u64,
        /// Most users.
        users: u64,
        /// Descriptors needed.
        needed: u64,
        /// The hard limit.
        hard: u64,
    },
    /// The system refused to raise the soft limit to one below the hard limit.
    #[error(
        "cannot raise the limit of file descriptors to {needed}: {reason}; run `ulimit -n {needed}` first"
    )]
    Raise {
        /// Descriptors needed.
        needed: u64,
        /// What the system said.
        reason: String,
    },
    /// Too few ports.
    #[error(
        "{connections} connections to {target} need as many ports, and {from} has {ports} (ip_local_port_range); give \
         the generator {addresses} addresses in `http.local_addresses` (on loopback any of 127.0.0.2, 127.0.0.3, … \
         is there already), widen `net.ipv4.ip_local_port_range`, or use fewer users"
    )]
    Ports {
        /// Connections open at once.
        connections: u64,
        /// Where to.
        target: String,
        /// Whose ports.
        from: String,
        /// Ports there are.
        ports: u64,
        /// Addresses that would do.
        addresses: u64,
    },
    /// An address that is not this machine's.
    #[error(
        "cannot connect from {address} (`http.local_addresses`): {reason}; `ip address` lists this machine's"
    )]
    Address {
        /// The address.
        address: IpAddr,
        /// What the system said.
        reason: String,
    },
    /// No address of the target's family.
    #[error(
        "`{target}` is at {address}, and `http.local_addresses` has no address of that family to connect from"
    )]
    Family {
        /// Name of the target.
        target: String,
        /// Its address.
        address: IpAddr,
    },
}

/// Connections a plan certainly holds open at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Need {
    users: u64,
    /// By host and port, in words.
    by_peer: BTreeMap<String, u64>,
}

impl Need {
    /// Of each scenario's first moment, with those that have begun and not ended by then. Looping users keep a
    /// connection to every target that their requests can go to; an open load needs as many users as the target's
    /// answers take, which nobody knows before.
    fn of(plan: &CompiledPlan) -> Vec<Self> {
        let is_running = |scenario: &Scenario, at: Duration| {
            // A fixed amount of work may be done the moment after it began.
            let end = scenario.load.planned().map(|planned| scenario.start_after.saturating_add(planned));
            at == scenario.start_after || scenario.start_after < at && end.is_some_and(|end| at < end)
        };
        let moments = plan.scenarios.iter().map(|scenario| scenario.start_after).collect::<BTreeSet<_>>();
        let needs = moments.into_iter().map(|at| {
            let mut need = Self::default();
            let closed = plan.scenarios.iter().filter(|scenario| scenario.load.arrivals().is_none());
            closed
                .filter(|scenario| is_running(scenario, at))
                .for_each(|scenario| need.add(plan, scenario, peak(scenario)));
            need
        });
        needs.collect()
    }

    /// Of all scenarios together, each open one with the most users it may have.
    fn at_most(plan: &CompiledPlan) -> Self {
        Self::with(plan, &peak)
    }

    /// Of all scenarios together, with so many users each.
    fn with(plan: &CompiledPlan, users: &dyn Fn(&Scenario) -> u64) -> Self {
        let mut need = Self::default();
        plan.scenarios.iter().for_each(|scenario| need.add(plan, scenario, users(scenario)));
        need
    }

    fn add(&mut self, plan: &CompiledPlan, scenario: &Scenario, users: u64) {
        self.users += users;
        for (target, connections) in targets(scenario, users) {
            let target = &plan.targets[target];
            *self.by_peer.entry(format!("{}:{}", target.host, target.port)).or_default() += connections;
        }
    }

    fn connections(&self) -> u64 {
        self.by_peer.values().sum()
    }
}

/// The most users the plan wants.
fn peak(scenario: &Scenario) -> u64 {
    u64::from(scenario.load.peak())
}

/// The most connections a plan can have at once: a user keeps one to each target it reaches.
pub fn connections(plan: &CompiledPlan) -> u64 {
    Need::at_most(plan).connections()
}

/// Targets in use, with the connections to each.
fn targets(scenario: &Scenario, users: u64) -> BTreeMap<usize, u64> {
    let mut all: BTreeMap<usize, u64> = BTreeMap::new();
    for entry in &scenario.entries {
        match entry {
            Entry::Endpoint(request) => drop(all.insert(request.target, users)),
            Entry::Flow { steps, .. } => {
                for request in Step::requests(steps) {
                    all.insert(request.target, users);
                }
            }
        }
    }
    if let Some(auth) = &scenario.auth {
        // A login of the run is that of one user.
        let connections = if auth.shared { users.min(1) } else { users };
        for step in &auth.steps {
            all.entry(step.target).or_insert(connections);
        }
    }
    all
}

/// Looks at descriptors, ports and addresses: the descriptors it needs beside those of connections.
///
/// # Errors
/// With the first thing that is missing, and what to do.
pub(super) fn preflight(plan: &CompiledPlan, workers: usize) -> Result<u64, PreflightError> {
    addresses(plan)?;
    let range = health::port_range();
    let needs = Need::of(plan);
    needs.iter().try_for_each(|need| ports(need, &plan.local_addresses, range))?;
    let need = needs.into_iter().max_by_key(Need::connections).unwrap_or_default();
    let own = own_descriptors(workers) + health::open_fds().unwrap_or(0);
    descriptors(&need, Need::at_most(plan).connections(), own)?;
    Ok(own)
}

/// Looks at ports and descriptors again, for as many users as `users` says, in a run that has begun.
///
/// # Errors
/// With the first thing that is missing, and what to do.
pub(super) fn room(
    plan: &CompiledPlan,
    users: &dyn Fn(&Scenario) -> u64,
    own: u64,
) -> Result<(), PreflightError> {
    let need = Need::with(plan, users);
    ports(&need, &plan.local_addresses, health::port_range())?;
    descriptors(&need, need.connections(), own)
}

/// Whether connections can be made from each of the plan's addresses, to each target whose address is written out.
fn addresses(plan: &CompiledPlan) -> Result<(), PreflightError> {
    for address in plan.local_addresses.iter() {
        // A datagram socket takes no port that a connection could want, and listens to nobody.
        let bound = UdpSocket::bind(SocketAddr::new(*address, 0));
        bound.map_err(|error| PreflightError::Address { address: *address, reason: error.to_string() })?;
    }
    for (target, address) in addressed(plan) {
        let fits = |local: &IpAddr| local.is_ipv4() == address.is_ipv4();
        if !plan.local_addresses.is_empty() && !plan.local_addresses.iter().any(fits) {
            return Err(PreflightError::Family { target: target.name.clone(), address });
        }
    }
    Ok(())
}

/// The targets in use whose address is written out.
fn addressed(plan: &CompiledPlan) -> impl Iterator<Item = (&Target, IpAddr)> {
    let used: BTreeSet<_> =
        plan.scenarios.iter().flat_map(|scenario| targets(scenario, 1).into_keys()).collect();
    let used = used.into_iter().map(|index| &plan.targets[index]);
    used.filter_map(|target| Some((target, target.host.parse().ok()?)))
}

/// Targets that this machine has no way to as yet, in words. The load begins in spite of it: a way may come while `ready`
/// waits, and each request says what is missing.
pub(super) fn without_a_way(plan: &CompiledPlan) -> Vec<String> {
    let words = addressed(plan).filter_map(|(target, address)| {
        let any = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        // Of a datagram socket that only asks for a route: nothing is sent.
        let asked = UdpSocket::bind(SocketAddr::new(any, 0)).and_then(|socket| socket.connect((address, target.port)));
        let error = asked.err()?;
        let name = &target.name;
        Some(format!(
            "this machine has no way to target `{name}` at {address}: {error}; `ip route get {address}` tells more"
        ))
    });
    words.collect()
}

/// Whether there are ports enough. A port is picked when its socket connects (see `http::Connector`), so that it serves
/// again for another peer, and for another address of ours.
fn ports(need: &Need, local: &[IpAddr], range: Option<(u16, u16)>) -> Result<(), PreflightError> {
    let Some((first, last)) = range else { return Ok(()) };
    let each = u64::from(last - first) + 1;
    let addresses = local.iter().collect::<BTreeSet<_>>().len() as u64;
    let ports = each * addresses.max(1);
    let from = match addresses {
        0 | 1 => "one local address".to_owned(),
        _ => format!("the {addresses} of `http.local_addresses`"),
    };
    match need.by_peer.iter().find(|(_, connections)| **connections > ports) {
        Some((peer, &connections)) => Err(PreflightError::Ports {
            connections,
            target: peer.clone(),
            from,
            ports,
            addresses: connections.div_ceil(each),
        }),
        None => Ok(()),
    }
}

/// Descriptors the program itself needs: its runtimes and their signals, reports, data, look-ups of names.
fn own_descriptors(workers: usize) -> u64 {
    const OF_PROGRAM: u64 = 32;
    const OF_WORKER: u64 = 6;
    OF_PROGRAM + OF_WORKER * workers as u64
}

/// Raises the soft limit to what `at_most` connections and `own` others need, as far as the hard limit lets it.
#[cfg(unix)]
fn descriptors(need: &Need, at_most: u64, own: u64) -> Result<(), PreflightError> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let connections = need.connections();
    let needed = connections + own;
    let mut limit = getrlimit(Resource::Nofile);
    // No number means no limit.
    if limit.current.is_none_or(|soft| soft >= at_most + own) {
        return Ok(());
    }
    if let Some(hard) = limit.maximum.filter(|hard| *hard < needed) {
        return Err(PreflightError::Descriptors { connections, users: need.users, needed, hard });
    }
    let soft = limit.current;
    limit.current = Some(limit.maximum.map_or(at_most + own, |hard| hard.min(at_most + own)));
    match setrlimit(Resource::Nofile, limit) {
        Err(error) if soft < Some(needed) => Err(PreflightError::Raise { needed, reason: error.to_string() }),
        // What it has is enough for what is certain.
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(not(unix))]
fn descriptors(_: &Need, _: u64, _: u64) -> Result<(), PreflightError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(peers: &[(&str, u64)]) -> Need {
        let by_peer = peers.iter().map(|(peer, count)| ((*peer).to_owned(), *count)).collect();
        Need { users: peers.iter().map(|(_, count)| *count).max().unwrap_or(0), by_peer }
    }

    const RANGE: Option<(u16, u16)> = Some((40_000, 40_999));

    #[test]
    fn ports_are_counted_by_peer() {
        let two = need(&[("a:80", 1000), ("b:80", 1000)]);
        assert_eq!(ports(&two, &[], RANGE), Ok(()));
        assert_eq!(ports(&need(&[("a:80", 5000)]), &[], None), Ok(()), "unknown is no reason to refuse");
        let error = ports(&need(&[("a:80", 2500)]), &[], RANGE).expect_err("too many");
        let words = error.to_string();
        assert!(words.contains("2500 connections to a:80"), "{words}");
        assert!(words.contains("one local address has 1000") && words.contains("3 addresses"), "{words}");
    }

    #[test]
    fn each_local_address_has_its_own_ports() {
        let local: Vec<IpAddr> =
            ["127.0.0.2", "127.0.0.3", "127.0.0.3"].map(|a| a.parse().expect("one")).into();
        let two = need(&[("a:80", 2000), ("b:80", 1000)]);
        assert_eq!(ports(&two, &local, RANGE), Ok(()));
        let error = ports(&two, &local[..1], RANGE).expect_err("too many").to_string();
        assert!(error.contains("2000 connections to a:80"), "{error}");
        assert!(error.contains("one local address has 1000"), "{error}");
        assert!(error.contains("2 addresses in `http.local_addresses`"), "{error}");
    }

    #[test]
    fn a_limit_says_how_to_raise_it() {
        let error = PreflightError::Descriptors { connections: 600, users: 300, needed: 700, hard: 512 };
        let words = error.to_string();
        for part in ["600 connections", "300 users", "may open 512", "ulimit -Hn 700"] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}
