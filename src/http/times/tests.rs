//! Phases that add up, whatever cut a request.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// What adds up to the latency; `service` is a sum of three of them.
const PARTS: [Phase; 7] =
    [Phase::Wait, Phase::Dns, Phase::Connect, Phase::Tls, Phase::Send, Phase::Ttfb, Phase::Receive];

/// The order of a request's points in time; 1 and 2 are answers that begin early.
const IN_TURN: usize = 0;

fn sum(phases: &Phases, of: &[Phase]) -> u64 {
    let known = of.iter().map(|phase| phases[*phase as usize]).filter(|us| *us != ABSENT);
    known.map(u64::from).sum()
}

/// A request as a chain of points in time, ns after it was ready: gaps between set-up, writes and reads,
/// of which `steps` were reached before an error or the time limit.
fn request(gaps: &[u64; 9], set_up: [bool; 3], steps: usize, order: usize) -> (Timing, Instant, IoTimes) {
    let ready = Instant::now();
    let mut now = ready + Duration::from_nanos(gaps[0]);
    let mut timing = Timing::starting(ready);
    let slots = [&mut timing.dns_us, &mut timing.connect_us, &mut timing.tls_us];
    for ((slot, gap), _) in slots.into_iter().zip(&gaps[1..4]).zip(set_up).filter(|(_, had)| *had) {
        let started = now;
        now += Duration::from_nanos(*gap);
        *slot = micros(started, now);
    }
    let io = IoTimes::default();
    let points = match order {
        IN_TURN => [&io.first_write, &io.last_write, &io.first_read],
        1 => [&io.first_write, &io.first_read, &io.last_write],
        // What the target sent before it was asked.
        _ => [&io.first_read, &io.first_write, &io.last_write],
    };
    for (point, gap) in points.into_iter().zip(&gaps[4..7]).take(steps) {
        now += Duration::from_nanos(*gap);
        point.set(Some(now));
    }
    (timing, now + Duration::from_nanos(gaps[7] + gaps[8]), io)
}

proptest! {
    #[test]
    fn parts_add_up_to_the_latency_whatever_cut_the_request(
        gaps in proptest::array::uniform9(0u64..3_000_000_000),
        set_up in proptest::array::uniform3(any::<bool>()),
        steps in 0usize..=3,
        order in 0usize..3,
    ) {
        let (timing, end, io) = request(&gaps, set_up, steps, order);
        let (latency_us, phases) = timing.finish(end, Some(&io));
        prop_assert!(sum(&phases, &PARTS).abs_diff(u64::from(latency_us)) <= 2, "{phases:?} of {latency_us}");
        let service = phases[Phase::Service as usize];
        if service != ABSENT {
            let parts = sum(&phases, &[Phase::Send, Phase::Ttfb, Phase::Receive]);
            prop_assert!(parts.abs_diff(u64::from(service)) <= 2, "{phases:?}");
        }
    }

    #[test]
    fn absent_is_absent(
        gaps in proptest::array::uniform9(0u64..3_000_000_000),
        set_up in proptest::array::uniform3(any::<bool>()),
        steps in 0usize..=3,
    ) {
        let (timing, end, io) = request(&gaps, set_up, steps, IN_TURN);
        let (_, phases) = timing.finish(end, Some(&io));
        let had = |phase: Phase| phases[phase as usize] != ABSENT;
        prop_assert_eq!([had(Phase::Dns), had(Phase::Connect), had(Phase::Tls)], set_up);
        prop_assert_eq!(had(Phase::Service), steps >= 1, "service begins with the first byte written");
        prop_assert_eq!(had(Phase::Send), steps >= 1, "so does send, even when nothing gets through");
        prop_assert_eq!(had(Phase::Ttfb), steps >= 2, "nobody waits for an answer to nothing");
        prop_assert_eq!(had(Phase::Receive), steps == 3, "nothing was received");
        prop_assert!(had(Phase::Wait));
    }
}

#[test]
fn an_answer_that_never_came_counts_as_waited_for() {
    let ms = |count: u64| count * 1_000_000;
    // Ready 1 ms, connect 2 ms, first write 1 ms later, written 3 ms later, given up 400 ms after that.
    let gaps = [ms(1), 0, ms(2), 0, ms(1), ms(3), 0, ms(400), 0];
    let (timing, end, io) = request(&gaps, [false, true, false], 2, IN_TURN);
    let (latency_us, phases) = timing.finish(end, Some(&io));
    let of = |phase: Phase| phases[phase as usize];
    assert_eq!((latency_us, of(Phase::Wait), of(Phase::Connect)), (407_000, 2_000, 2_000));
    assert_eq!((of(Phase::Send), of(Phase::Ttfb), of(Phase::Receive)), (3_000, 400_000, ABSENT));
}

#[test]
fn nothing_ends_before_it_is_sent() {
    let ready = Instant::now();
    let io = IoTimes::default();
    io.first_read.set(Some(ready + Duration::from_millis(1)));
    io.first_write.set(Some(ready + Duration::from_millis(3)));
    io.last_write.set(Some(ready + Duration::from_millis(4)));
    let (latency_us, phases) = Timing::starting(ready).finish(ready + Duration::from_millis(1), Some(&io));
    assert_eq!(latency_us, 3_000);
    assert_eq!(sum(&phases, &PARTS), 3_000, "{phases:?}");
}

#[test]
fn a_lap_is_noted_however_it_ends() {
    let mut slot = ABSENT;
    drop(Lap::start(&mut slot));
    assert_ne!(slot, ABSENT);
}
