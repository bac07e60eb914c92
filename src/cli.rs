//! The command line: what can be written, with its help. Must not do anything.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::http::AllowedHost;
use crate::units::{Share, Size, parse_share, parse_size};

/// A declarative load-test runner: a YAML or TOML plan in, an honest verdict and an exit code out.
#[derive(Debug, Parser)]
#[command(name = "plimsoll", version, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 pass (or warn), 1 fail, 2 wrong usage or plan, 3 could not run, \
                        4 invalid (the generator was the limit), 130 interrupted.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a small plan that works, with its data, schema and CI job.
    Init(Init),
    /// Run a plan and judge its thresholds.
    Run {
        /// The plan: a .yaml, .yml or .toml file.
        plan: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs)]
        flags: RunFlags,
        #[command(flatten)]
        #[allow(missing_docs)]
        environment: EnvFile,
    },
    /// Run the built-in general plan against a small TempoNest on loopback (about 20 s).
    Demo {
        #[command(flatten)]
        #[allow(missing_docs)]
        flags: RunFlags,
    },
    /// Serve the small TempoNest until Ctrl-C: something to aim plans at.
    ServeDemo(ServeDemo),
    /// Check plans without sending anything.
    Validate(Validate),
    /// Explain error codes: why, how to mend it, a wrong and a right example.
    Explain {
        /// Codes such as P012; all of them are listed when absent.
        codes: Vec<String>,
    },
    /// Show a plan as it would run: after profile and flags, secrets masked, with its load over time.
    Show {
        /// The plan.
        plan: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs)]
        changes: Changes,
        #[command(flatten)]
        #[allow(missing_docs)]
        environment: EnvFile,
        /// Say of each value where it comes from, not only of those from elsewhere.
        #[arg(long)]
        origins: bool,
    },
    /// Try a plan: every endpoint and flow once, each request and answer in full.
    Try {
        /// The plan.
        plan: PathBuf,
        /// Only these endpoints and flows.
        names: Vec<String>,
        #[command(flatten)]
        #[allow(missing_docs)]
        changes: Changes,
        #[command(flatten)]
        #[allow(missing_docs)]
        environment: EnvFile,
        /// Show long bodies to their end.
        #[arg(long)]
        full: bool,
        /// Seed of data rows and random values.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Print the JSON Schema of plans, of their parts or of results.
    Schema {
        /// Which one.
        which: SchemaKind,
    },
    /// Render a result written by `run --json` again.
    Report {
        /// The result.
        result: PathBuf,
        #[command(flatten)]
        #[allow(missing_docs)]
        reports: ReportFlags,
        /// The result of an earlier run, to show beside it in the HTML report; nothing is judged again.
        #[arg(long, value_name = "PATH", requires = "html")]
        baseline: Option<PathBuf>,
        /// Print only the verdict.
        #[arg(short, long)]
        quiet: bool,
    },
    /// Tell whether the results of one version are worse than those of another.
    Compare(Compare),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Where `env` and `secrets` look besides the environment, and what a plan may reach at all.
#[derive(Debug, Clone, Default, Args)]
pub struct EnvFile {
    /// Environment variables for `env` and `secrets`, in lines NAME=value, instead of `.env` beside the plan.
    #[arg(long, value_name = "PATH")]
    pub env_file: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub limits: Limits,
}

/// What a plan that comes from a stranger may reach.
#[derive(Debug, Clone, Default, Args)]
pub struct Limits {
    /// The plan comes from a stranger: files only below its root and none that are hidden, no .env, and only the
    /// environment variables and targets that are allowed here.
    #[arg(long)]
    pub untrusted: bool,
    /// With --untrusted, an environment variable the plan may read; repeatable.
    #[arg(long, value_name = "NAME", requires = "untrusted")]
    pub allow_env: Vec<String>,
    /// With --untrusted, a host the plan may send to (HOST, HOST:PORT or *.DOMAIN); link-local metadata addresses such as
    /// 169.254.169.254 are refused without it, whosever the plan is; repeatable.
    #[arg(long, value_name = "HOST")]
    pub allow_target: Vec<AllowedHost>,
}

/// What `init` writes, and where.
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// The folder, made when absent; the working directory when not given.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Write the plan in TOML.
    #[arg(long)]
    pub toml: bool,
    /// Which CI job to write.
    #[arg(long, value_name = "WHICH", default_value = "auto")]
    pub ci: Ci,
}

/// A CI system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ci {
    /// Those the folder has a .github or a .gitlab-ci.yml for.
    Auto,
    /// GitHub Actions.
    Github,
    /// GitLab.
    Gitlab,
    /// No job.
    None,
}

/// What to check, and how to tell.
#[derive(Debug, Clone, Args)]
pub struct Validate {
    /// Plans, or folders of plans.
    #[arg(required = true)]
    pub plans: Vec<PathBuf>,
    /// Check them with this profile.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub environment: EnvFile,
    /// How to tell what is wrong.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub format: Format,
    /// Exit 2 on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Correct what can only be meant in one way, then check again.
    #[arg(long)]
    pub fix: bool,
    /// With --fix: show the changes and write nothing.
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
}

/// How problems are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text with the source line.
    Human,
    /// A list of objects.
    Json,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

/// A schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SchemaKind {
    /// Of plans.
    Plan,
    /// Of files that plans include.
    Part,
    /// Of results.
    Result,
}

/// What the command line changes in a plan.
#[derive(Debug, Clone, Default, Args)]
pub struct Changes {
    /// Use a profile of the plan.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Base URL of the default target (the only one, or the first of `targets`).
    #[arg(short = 'H', long, value_name = "URL")]
    pub host: Option<String>,
    /// Base URL of a target; repeatable.
    #[arg(long = "target", value_name = "NAME=URL", value_parser = name_and_url)]
    pub targets: Vec<(String, String)>,
    /// Number of users.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub users: Option<u32>,
    /// Users started a second: 5 or 5/s.
    #[arg(short = 'r', long, value_name = "RATE")]
    pub spawn_rate: Option<String>,
    /// How long: 120 (seconds), 2m or 1h30m.
    #[arg(short = 't', long, value_name = "TIME")]
    pub run_time: Option<String>,
    /// Set any value of the plan, such as load.users=100; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
}

/// Reports that are made from a result.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportFlags {
    /// Write a self-contained HTML report.
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,
    /// Write JUnit XML: a case for each threshold and each kind of failure.
    #[arg(long, value_name = "PATH")]
    pub junit: Option<PathBuf>,
    /// Write a summary in Markdown.
    #[arg(long, value_name = "PATH")]
    pub markdown: Option<PathBuf>,
    /// Write Locust's CSV files: PREFIX_stats.csv and three more.
    #[arg(long, value_name = "PREFIX")]
    pub csv: Option<PathBuf>,
    /// In _stats_history.csv: rows of each endpoint too, as Locust's flag of this name.
    #[arg(long)]
    pub csv_full_history: bool,
    /// Write latencies for HdrHistogram's tools, to a .hgrm or .hlog.
    #[arg(long, value_name = "PATH")]
    pub hdr: Vec<PathBuf>,
}

/// How to run a plan.
#[derive(Debug, Clone, Default, Args)]
pub struct RunFlags {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub changes: Changes,
    /// Plain progress lines instead of the live display, as in a CI log.
    #[arg(long)]
    pub headless: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub reports: ReportFlags,
    /// Write the result as JSON; `-` is standard output.
    #[arg(long, value_name = "PATH")]
    pub json: Option<PathBuf>,
    /// Keep the run in a folder of its own below DIR, with an index of all runs of the plan; below `reports` when neither
    /// flags nor the plan ask for any report.
    #[arg(long = "reports", value_name = "DIR")]
    pub reports_folder: Option<PathBuf>,
    /// Write no report but those that other flags name: neither the plan's nor the folder of runs.
    #[arg(long, conflicts_with = "reports_folder")]
    pub no_reports: bool,
    /// Log every single request, a line of JSON each; `-` is standard output.
    #[arg(long, value_name = "PATH")]
    pub samples: Option<PathBuf>,
    /// The most that --samples writes.
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = samples_limit, requires = "samples")]
    pub samples_limit: SamplesLimit,
    /// The result of an earlier run, instead of the plan's `baseline`: for thresholds relative to it, and beside this run in
    /// the HTML report.
    #[arg(long, value_name = "PATH")]
    pub baseline: Option<PathBuf>,
    /// Seed of picks, data rows and random values; the one used is in every report.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Exit 1 on warnings too.
    #[arg(long)]
    pub strict: bool,
    /// Judge thresholds even if the generator was the limit; the report still says so.
    #[arg(long)]
    pub allow_invalid: bool,
    /// Print only the verdict.
    #[arg(short, long)]
    pub quiet: bool,
    /// Worker threads; as many as cores when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
}

/// Which results to compare, and how strictly.
#[derive(Debug, Clone, Args)]
pub struct Compare {
    /// Base and new result of `run --json`, or folders of them; with --new, base results.
    #[arg(value_name = "RESULT")]
    pub results: Vec<PathBuf>,
    /// Results, or folders of them, to compare with.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub base: Vec<PathBuf>,
    /// Results, or folders of them, that are compared.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub new: Vec<PathBuf>,
    /// Changes smaller than this are the same.
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = margin)]
    pub margin: f64,
    /// Compare even invalid runs, and runs of another plan or load.
    #[arg(long)]
    pub force: bool,
    /// Write a self-contained HTML page with both runs in each chart.
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,
    /// Write a summary in Markdown, for a pull request.
    #[arg(long, value_name = "PATH")]
    pub markdown: Option<PathBuf>,
    /// Write the comparison as JSON; `-` is standard output.
    #[arg(long, value_name = "PATH")]
    pub json: Option<PathBuf>,
    /// Print only the verdict.
    #[arg(short, long)]
    pub quiet: bool,
}

/// How the demo platform behaves.
#[derive(Debug, Clone, Args)]
pub struct ServeDemo {
    /// Port of the auth service; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9002)]
    pub auth_port: u16,
    /// Port of the agents service; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9000)]
    pub agents_port: u16,
    /// Port of the RAG service; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 9003)]
    pub rag_port: u16,
    /// Seed of delays and errors.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Factor on every delay.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub slow: f64,
    /// Share of agents and RAG responses that become errors, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub error_rate: f64,
    /// Life of an access token, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub token_ttl: u64,
}

/// The most bytes that `--samples` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplesLimit(pub u64);

impl Default for SamplesLimit {
    fn default() -> Self {
        Self(1 << 30)
    }
}

fn samples_limit(text: &str) -> Result<SamplesLimit, String> {
    match parse_size(text) {
        Ok(Size(bytes)) if bytes >= 4 << 10 => Ok(SamplesLimit(bytes)),
        Ok(_) => Err("write 4KiB or more".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn margin(text: &str) -> Result<f64, String> {
    match parse_share(text) {
        Ok(Share(margin)) if margin > 0.0 && margin <= 1.0 => Ok(margin),
        Ok(_) => Err("write more than 0% and at most 100%".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn name_and_url(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.is_empty() && !url.is_empty() => Ok((name.to_owned(), url.to_owned())),
        _ => Err("write NAME=URL, such as agents=http://localhost:9000".to_owned()),
    }
}
