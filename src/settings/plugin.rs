//! Commands that speak to a cluster: those of `kubectl leadflow`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ClusterAccess, Command, Output, RouterAccess, Settings};

#[derive(Clone, Debug, Args)]
pub struct StatusSettings {
    /// Name of the Exchange. Not given: all of the namespace.
    pub exchange: Option<String>,
    /// Show the Exchanges of all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["namespace", "exchange"])]
    pub all_namespaces: bool,
    /// Show it anew every so many seconds, until interrupted; 2 when no number is given.
    #[arg(short, long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", require_equals = true)]
    pub watch: Option<u32>,
    /// Namespace of the operator, for the Lease that says who leads.
    #[arg(long, value_name = "NAMESPACE", default_value = "leadflow-system", help_heading = "Cluster")]
    pub operator_namespace: String,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct CircuitSettings {
    #[command(subcommand)]
    pub action: CircuitAction,
}

/// What is done about circuits.
#[derive(Clone, Debug, Subcommand)]
pub enum CircuitAction {
    /// Shows each router's circuit, and what status says.
    Show(CircuitShow),
    /// Sends nothing to the endpoint; leads go to the next candidate (spec.circuit Paused).
    Pause(CircuitChange),
    /// Sends to the endpoint regardless of failures (spec.circuit Forced).
    Force(CircuitChange),
    /// Leaves the endpoint to its breaker again (spec.circuit Auto).
    Auto(CircuitChange),
}

#[derive(Clone, Debug, Args)]
pub struct CircuitShow {
    /// Name of the Endpoint. Not given: all of the namespace.
    pub endpoint: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct CircuitChange {
    /// Name of the Endpoint.
    pub endpoint: String,
    /// Seconds to wait until every router goes by it; 0 does not wait.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub wait: u32,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct SendTestSettings {
    /// Name of the LeadSource.
    pub source: String,
    /// A field of the lead, such as `location.zip=90210`; takes the place of the made-up value, and an empty value leaves the field out.
    #[arg(long = "field", value_name = "FIELD=VALUE")]
    pub fields: Vec<String>,
    /// Ask for the outcome, and wait up to so many seconds for it; 10 when no number is given.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_value_t = 0, default_missing_value = "10", require_equals = true)]
    pub wait: u32,
    /// URL of the source. Not given: ingest is reached through the API server.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Key of the source. Not given: it is read from the Secret that the LeadSource names.
    #[arg(long, env = "LEADFLOW_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Exchange whose ingest is posted to. Not given: the namespace's only one.
    #[arg(long, value_name = "EXCHANGE", help_heading = "Cluster")]
    pub exchange: Option<String>,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

#[derive(Clone, Debug, Args)]
pub struct ReportSettings {
    /// The file to write. Not given: leadflow-report-NAMESPACE-TIME.tar.gz in this folder. An existing file is left alone.
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// The last lines of each container's log.
    #[arg(long, value_name = "LINES", default_value_t = 2000)]
    pub log_lines: u32,
    /// Namespace of the operator.
    #[arg(long, value_name = "NAMESPACE", default_value = "leadflow-system", help_heading = "Cluster")]
    pub operator_namespace: String,
    #[command(flatten)]
    pub cluster: ClusterAccess,
    /// How the list of what is in it is written.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// The name that kubectl looks for on the PATH.
const PLUGIN: &str = "kubectl-leadflow";

impl Settings {
    /// Reads the command line. Called as `kubectl-leadflow`, it speaks of itself as `kubectl leadflow`, and asks routers of the cluster.
    pub fn of(line: impl IntoIterator<Item = String>) -> Result<Self, clap::Error> {
        use clap::{CommandFactory, FromArgMatches};
        let line: Vec<_> = line.into_iter().collect();
        let plugin = line.first().is_some_and(|program| is_plugin(program));
        let mut command = Self::command();
        if plugin {
            command = command.name("kubectl-leadflow").bin_name("kubectl leadflow").display_name("kubectl leadflow");
        }
        let matches = command.try_get_matches_from_mut(line)?;
        let mut settings = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        if let Some(router) = settings.command.router() {
            router.plugin = plugin;
        }
        Ok(settings)
    }
}

impl Command {
    /// The router that the command asks, of those that ask one.
    fn router(&mut self) -> Option<&mut RouterAccess> {
        match self {
            Self::Explain(settings) => Some(&mut settings.router),
            Self::Flowchart(settings) => Some(&mut settings.router),
            Self::Simulate(settings) => Some(&mut settings.router),
            Self::WhyNot(settings) => Some(&mut settings.router),
            Self::Release(settings) => Some(&mut settings.router),
            Self::Close(settings) => Some(&mut settings.router),
            _ => None,
        }
    }
}

fn is_plugin(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name) == PLUGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Settings, clap::Error> {
        Settings::of(line.split(' ').map(str::to_owned))
    }

    fn in_cluster(line: &str) -> bool {
        parse(line).unwrap().command.router().unwrap().is_in_cluster()
    }

    #[test]
    fn the_plugin_speaks_of_itself_as_kubectl_does() {
        let help = parse("/usr/local/bin/kubectl-leadflow status --help").unwrap_err().to_string();
        assert!(help.contains("Usage: kubectl leadflow status [OPTIONS] [EXCHANGE]"), "{help}");
        let help = parse("leadflow status --help").unwrap_err().to_string();
        assert!(help.contains("Usage: leadflow status"), "{help}");
        let wrong = parse("kubectl-leadflow stats").unwrap_err().to_string();
        assert!(wrong.contains("kubectl leadflow"), "{wrong}");
    }

    #[test]
    fn the_plugin_asks_routers_of_the_cluster_unless_it_is_told_an_address() {
        assert!(in_cluster("kubectl-leadflow explain latest"));
        assert!(!in_cluster("kubectl-leadflow explain latest --admin http://127.0.0.1:9090"));
        assert!(!in_cluster("leadflow explain latest"));
    }

    #[test]
    fn a_flag_that_names_a_cluster_leads_into_it() {
        for flag in ["-n sales", "--namespace sales", "--exchange brokerage", "--context prod", "--kubeconfig file"] {
            assert!(in_cluster(&format!("leadflow why-not latest sarah-lee {flag}")), "{flag}");
        }
    }

    #[test]
    fn watching_and_waiting_take_a_number_or_none() {
        let watch = |line: &str| match parse(line).unwrap().command {
            Command::Status(status) => (status.watch, status.exchange),
            _ => panic!(),
        };
        assert_eq!(watch("leadflow status house"), (None, Some("house".to_owned())));
        assert_eq!(watch("leadflow status -w house"), (Some(2), Some("house".to_owned())));
        assert_eq!(watch("leadflow status --watch=5"), (Some(5), None));
    }
}
