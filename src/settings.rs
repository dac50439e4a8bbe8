//! What a process is told at its start: commands, flags, and the environment variables in their place.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::ops::log::LogFormat;
use crate::tools::probe;

mod cluster;
mod plugin;
mod roles;

pub use cluster::{ClusterAccess, RouterAccess};
pub use plugin::{CircuitAction, CircuitChange, CircuitSettings, CircuitShow, ReportSettings, SendTestSettings, StatusSettings};
pub use roles::{
    Address, IngestSettings, OneProcess, OperatorSettings, Place, QuickstartSettings, RouterSettings, Rules, StandaloneSettings,
};

/// Distributes sales leads by rules that are Kubernetes custom resources.
#[derive(Clone, Debug, Parser)]
#[command(name = "leadflow", version, propagate_version = true)]
pub struct Settings {
    /// What is logged, in the filter language of tracing, such as `debug` or `leadflow::store=debug,info`.
    #[arg(long, global = true, env = "LEADFLOW_LOG", value_name = "FILTER", help_heading = "Logs")]
    pub log: Option<String>,
    /// How log lines are written.
    #[arg(long, global = true, env = "LEADFLOW_LOG_FORMAT", value_enum, default_value_t, help_heading = "Logs")]
    pub log_format: LogFormat,
    #[command(subcommand)]
    pub command: Command,
}

/// The roles, and the tools.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Role: builds the workloads of every Exchange in the cluster and writes status.
    Operator(OperatorSettings),
    /// Role: takes leads in over HTTP and makes them durable.
    Ingest(IngestSettings),
    /// Role: decides who gets each lead, and delivers it.
    Router(RouterSettings),
    /// Runs ingest and router in one process: from a folder of manifests, without a cluster; or as the one pod of an Exchange with the embedded store.
    Standalone(StandaloneSettings),
    /// Like standalone, with the sample manifests and a sample CRM to deliver to.
    Quickstart(QuickstartSettings),
    /// Waits until a page answers with success; fails when it does not in time.
    Probe(probe::Settings),
    /// Prints the CustomResourceDefinitions, or writes them into a folder.
    Crds(CrdsSettings),
    /// Tells why a lead went where it went.
    Explain(ExplainSettings),
    /// Says all that is wrong with a folder of manifests, or looks as if it were.
    Check(CheckSettings),
    /// Draws a policy as a flowchart (Mermaid) that a person could follow by hand.
    Flowchart(FlowchartSettings),
    /// Tells what rules would do with leads: who would get them, what they would bring, and what would change.
    Simulate(SimulateSettings),
    /// Tells why a recipient did not get a lead: the tests that failed, with the values compared.
    WhyNot(WhyNotSettings),
    /// Has an unmatched lead decided again.
    Release(ReleaseSettings),
    /// Ends an agent's work on a lead: the agent can have another.
    Close(CloseSettings),
    /// Posts many leads and measures the answers.
    Load(LoadSettings),
    /// Shows an Exchange of a cluster on one screen: pods, queue, sources, policies, endpoints, and what is wrong.
    Status(StatusSettings),
    /// Shows circuits of endpoints as every router sees them, and overrides them.
    Circuit(CircuitSettings),
    /// Posts one made-up lead to a source, and says what became of it.
    SendTest(SendTestSettings),
    /// Writes a file for those who help: objects, events, metrics and logs, without secrets and personal data.
    Report(ReportSettings),
    /// Runs the sample CRM alone: somewhere to deliver to, while trying things.
    SampleCrm(SampleCrmSettings),
}

#[derive(Clone, Debug, Args)]
pub struct CrdsSettings {
    /// Folder to write one file a kind into. Not given: all go to standard output.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct ExplainSettings {
    /// Id of the lead; `latest` is the one that arrived last.
    pub lead: String,
    #[command(flatten)]
    pub router: RouterAccess,
    /// How the explanation is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ExplainOutput,
}

#[derive(Clone, Debug, Args)]
pub struct CheckSettings {
    /// Folder of manifests (*.yaml, *.yml, *.json).
    pub dir: PathBuf,
    /// How findings are written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: CheckOutput,
    /// End with status 1 for warnings, too.
    #[arg(long)]
    pub warnings_as_errors: bool,
    /// Leads to try the rules on: JSON objects as they are posted, one a line; `source` may name the LeadSource. Not given: leads are made up.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct FlowchartSettings {
    /// Name of the RoutingPolicy.
    pub policy: String,
    /// Folder of manifests (*.yaml, *.yml, *.json) that the policy is in. Not given: a router is asked.
    #[arg(long, value_name = "FOLDER")]
    pub manifests: Option<PathBuf>,
    #[command(flatten)]
    pub router: RouterAccess,
}

#[derive(Clone, Debug, Args)]
pub struct SimulateSettings {
    /// Folder of manifests (*.yaml, *.yml, *.json).
    pub dir: PathBuf,
    /// The leads: a file of JSON objects as they are posted, one a line (`source` may name the LeadSource, `arrivedAt` tell the time), or `store`: those
    /// that arrived last at a router.
    #[arg(long, value_name = "FILE|store")]
    pub leads: String,
    /// Folder of manifests to compare with. Not given: for leads of the store, the rules that the router runs; for a file, none.
    #[arg(long, value_name = "FOLDER")]
    pub against: Option<PathBuf>,
    /// How the report is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: SimulateOutput,
    /// How many leads of the store.
    #[arg(long, default_value_t = 10_000, value_name = "NUMBER")]
    pub last: u32,
    /// When the first lead of a file arrives, if the file doesn't say. Not given: now.
    #[arg(long, value_name = "TIME")]
    pub start: Option<jiff::Timestamp>,
    /// Seconds from one lead of a file to the next, if the file doesn't say.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub every: u32,
    /// Hours that a lead stays open with an agent.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    pub open_hours: u32,
    #[command(flatten)]
    pub router: RouterAccess,
}

#[derive(Clone, Debug, Args)]
pub struct WhyNotSettings {
    /// Id of the lead; `latest` is the one that arrived last.
    pub lead: String,
    /// The recipient: an agent's name, or BUYER/CONTRACT.
    pub recipient: String,
    #[command(flatten)]
    pub router: RouterAccess,
    /// How the answer is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct ReleaseSettings {
    /// Id of the lead; `latest` is the one that arrived last, `all` are all unmatched leads.
    pub lead: String,
    #[command(flatten)]
    pub router: RouterAccess,
}

#[derive(Clone, Debug, Args)]
pub struct CloseSettings {
    /// Id of the lead; `latest` is the one that arrived last.
    pub lead: String,
    #[command(flatten)]
    pub router: RouterAccess,
}

#[derive(Clone, Debug, Args)]
pub struct LoadSettings {
    /// Where to post: the URL of a LeadSource.
    #[arg(long, default_value = "http://127.0.0.1:8080/v1/sources/website-form/leads")]
    pub url: String,
    /// Key of the LeadSource.
    #[arg(long, env = "LEADFLOW_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Posts under way at once.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Leads in all.
    #[arg(long, default_value_t = 10_000)]
    pub leads: u64,
    /// Leads in a second. Not given: as many as are answered.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub per_second: Option<u32>,
    /// Ask for the outcome, and wait up to so many seconds for it; 10 when no number is given.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_value_t = 0, default_missing_value = "10")]
    pub wait: u32,
    /// Folder whose disk is timed first: how long one durable write takes.
    #[arg(long, value_name = "FOLDER")]
    pub flush: Option<PathBuf>,
    /// Allow another machine as the target.
    #[arg(long)]
    pub anywhere: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub struct SampleCrmSettings {
    /// Address to listen on.
    #[arg(long, env = "LEADFLOW_ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub address: IpAddr,
    /// Port to listen on.
    #[arg(long, env = "LEADFLOW_PORT", default_value_t = 8090)]
    pub port: u16,
}

/// How an explanation is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ExplainOutput {
    #[default]
    Text,
    Json,
    /// The lead's path as a flowchart.
    Mermaid,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CheckOutput {
    /// Lines for people.
    #[default]
    Text,
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// JUnit XML, for build servers.
    Junit,
}

/// How a simulation's report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SimulateOutput {
    /// Tables for people.
    #[default]
    Text,
    Json,
    /// For a pull request.
    Markdown,
}

/// How a tool writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    #[default]
    Text,
    Json,
}

#[cfg(test)]
mod tests;
