//! What is measured: samples in, histograms that merge without loss, totals out. Must not know what a plan
//! or a connection is.

mod dependent;
mod distribution;
mod load_window;
mod pace;
mod recorder;
mod sample;
mod slice;
mod sparse;
mod target;
mod totals;

pub use dependent::variance_of_sum;
pub use distribution::Distribution;
pub use load_window::LoadWindow;
pub use pace::{Pace, Stall};
pub use recorder::{
    ArrivalCounts, Described, DrainCounts, FailureText, Recorder, ScenarioCounts, SeriesRecord,
};
pub use sample::{ABSENT, Checks, Outcome, Phase, Phases, Sample, SeriesId, SeriesKind, Unsent};
pub use slice::{Slice, Window};
pub use sparse::SparseTimes;
pub use target::TargetCounts;
pub use totals::{FailureTotal, SeriesTotal, Totals};
