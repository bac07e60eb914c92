//! What stands in a log, and what becomes of it when it is full, slow or cannot be written.

use std::sync::Mutex;

use serde_json::Value;

use super::*;
use crate::engine::Logged;
use crate::failure::Failure;
use crate::metric::{Outcome, Phase, Sample, SeriesId};
use crate::plan::load::{Overrides, load_str};
use crate::plan::parse::Format;

/// The smallest limit the command line takes.
const SMALLEST: u64 = 4 << 10;

const PLAN: &str = r#"
plan: 1
name: "A \"plan\""
target: http://localhost
secrets: { key: { env: PLIMSOLL_TEST_NOT_SET, default: hunter2hunter2 } }
endpoints: { "odd \"name\"\n hunter2hunter2": { request: GET /x } }
load: { users: 1, duration: 10s, warmup: 1s }
"#;

fn plan() -> CompiledPlan {
    let source = crate::diagnostic::Source { name: "p.yaml".into(), dir: ".".into(), text: PLAN.into() };
    let loaded = load_str(Format::Yaml, source, &Overrides::default());
    let mut found = loaded.diagnostics.clone();
    let purpose = crate::compile::Purpose::Check;
    let plan = crate::compile::compile(&loaded, Path::new("p.yaml"), None, purpose, &mut found);
    plan.unwrap_or_else(|| panic!("{}", crate::diagnostic::render_all(&found, &loaded.sources, false)))
}

/// What was written to it, for as much as there is room.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>, Option<usize>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap();
        if self.1.is_some_and(|room| all.len() + bytes.len() > room) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes batches of so many requests each to `out`.
fn write(out: &Memory, limit: u64, batches: &[usize], sample: Sample) -> (io::Result<u64>, Arc<LogState>) {
    let (to, from) = sync_channel(100);
    let state = Arc::new(LogState::default());
    let lines = Lines::new(&plan(), "0a1b2c3d");
    let writer = Writer { out: Box::new(out.clone()), lines, limit, bytes: 0, state: state.clone() };
    let start = Instant::now();
    for count in batches {
        let requests = (0..*count).map(|n| Logged { ended_us: 1_000 * n as u64, sample }).collect();
        to.send(ToLog::Batch(Batch { start, requests })).unwrap();
    }
    to.send(ToLog::End).unwrap();
    (writer.follow(&from), state)
}

fn lines(out: &Memory) -> Vec<Value> {
    let bytes = out.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n') && !text.contains("hunter2"), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn failed() -> Sample {
    let mut sample = Sample::bare(SeriesId(0), Outcome::Failed(Failure::TimeoutBody), 1_500_000);
    sample.phases[Phase::Ttfb as usize] = 7;
    Sample { status: 200, bytes_in: 3, bytes_out: 4, new_connection: true, ..sample }
}

#[test]
fn a_line_says_all_of_a_request() {
    let out = Memory::default();
    let (written, _) = write(&out, 1 << 20, &[2], failed());
    assert_eq!(written.unwrap(), 2);
    let lines = lines(&out);
    assert_eq!(
        (lines.len(), &lines[0]["plan"], &lines[0]["run"]),
        (4, &"A \"plan\"".into(), &"0a1b2c3d".into())
    );
    let line = lines[1].as_object().unwrap();
    let expected = [
        ("name", Value::from("odd \"name\"\n ***")),
        ("scenario", "default".into()),
        ("method", "GET".into()),
        ("status", 200.into()),
        ("outcome", "failed".into()),
        ("failure", "timeout.body".into()),
        ("latency_us", 1_500_000.into()),
        ("ttfb_us", 7.into()),
        ("bytes_in", 3.into()),
        ("bytes_out", 4.into()),
        ("new_connection", true.into()),
    ];
    assert_eq!(line.keys().skip(1).collect::<Vec<_>>(), expected.each_ref().map(|(key, _)| *key));
    for (key, value) in expected {
        assert_eq!(line[key], value, "{key}");
    }
    // The moment it began: 1 ms apart, as they ended.
    let at = |line: &Value| line["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert_eq!((at(&lines[2]) - at(&lines[1])).as_micros(), 1_000);
    let ago = jiff::Timestamp::now().as_second() - at(&lines[1]).as_second();
    assert!((0..3_600).contains(&ago), "{ago}");
    let end = serde_json::json!({"end": true, "requests": 2, "lost": 0, "beyond_limit": 0, "complete": true});
    assert_eq!(lines[3], end);
}

#[test]
fn rows_of_a_warm_up_say_so() {
    let plan = plan();
    let warm = plan.series[0].warmup.unwrap();
    let out = Memory::default();
    write(&out, 1 << 20, &[1], Sample::bare(warm, Outcome::Interrupted, 1)).0.unwrap();
    let line = &lines(&out)[1];
    assert_eq!((&line["warmup"], &line["outcome"]), (&true.into(), &"interrupted".into()));
    assert!(line.get("status").is_none());
}

#[test]
fn a_limit_cuts_between_lines_and_the_last_says_so() {
    let out = Memory::default();
    let (written, state) = write(&out, SMALLEST, &[5, 20, 1024, 1], failed());
    let written = written.unwrap();
    assert!(out.0.lock().unwrap().len() as u64 <= SMALLEST);
    let lines = lines(&out);
    assert_eq!(lines.len() as u64, written + 2);
    assert!(written > 5, "{written}");
    assert!(state.is_closed.load(Ordering::Relaxed));
    let last = lines.last().unwrap();
    assert_eq!((&last["beyond_limit"], &last["complete"]), (&(1050 - written).into(), &false.into()));
}

#[test]
fn a_full_disk_is_told_and_closes_the_log() {
    let out = Memory(Arc::default(), Some(20_000));
    let (written, state) = write(&out, 1 << 30, &[10, 1024, 10], failed());
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(state.is_closed.load(Ordering::Relaxed));
}
