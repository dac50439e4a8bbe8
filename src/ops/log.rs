//! Logs: one JSON object a line on stderr, or lines for people when stderr is a terminal.
//!
//! `LEADFLOW_LOG` chooses what is logged, in the filter language of tracing (`debug`, `leadflow::store=debug,info`). Whatever it says, libraries stay
//! at `info`: below it some of them log request headers and SQL parameters, and these hold personal data and keys.

use std::io::{IsTerminal, stderr};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

/// The environment variable that chooses what is logged.
pub const FILTER: &str = "LEADFLOW_LOG";

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people when stderr is a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{FILTER} is not a filter such as `info` or `leadflow=debug`: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are set up already: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging to stderr; once a process. `filter` is what `LEADFLOW_LOG` says.
pub fn start(format: LogFormat, filter: Option<&str>) -> Result<(), LogError> {
    let json = match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Json => true,
        LogFormat::Text => false,
    };
    Ok(subscriber(json, filter.unwrap_or("info"), stderr)?.try_init()?)
}

fn subscriber<W>(json: bool, filter: &str, writer: W) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(filter)?.and(filter_fn(harmless));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> =
        if json { lines.json().flatten_event(true).with_span_list(false).boxed() } else { lines.with_target(false).boxed() };
    Ok(tracing_subscriber::registry().with(lines.with_filter(wanted)))
}

/// Whether an event can't hold what must not be logged: our own, or a library's at `info` and above.
fn harmless(event: &Metadata<'_>) -> bool {
    let target = event.target();
    target == "leadflow" || target.starts_with("leadflow::") || *event.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(json: bool, filter: &str, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing::subscriber::with_default(subscriber(json, filter, move || writer.clone()).unwrap(), work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_one_json_object_with_fields_at_its_top() {
        let text = logged(true, "info", || tracing::warn!(endpoint = "crm", tries = 3, "the endpoint is left alone"));
        let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["endpoint"], "crm");
        assert_eq!(line["tries"], 3);
        assert_eq!(line["message"], "the endpoint is left alone");
        assert_eq!(line["target"], "leadflow::ops::log::tests");
    }

    #[test]
    fn libraries_stay_quiet_below_info_whatever_is_asked_for() {
        let text = logged(false, "trace", || {
            tracing::debug!(target: "tokio_postgres::query", "executing with parameters");
            tracing::info!(target: "hyper", "a library speaks");
            tracing::trace!("we speak");
        });
        assert!(!text.contains("parameters"), "{text}");
        assert!(text.contains("a library speaks") && text.contains("we speak"), "{text}");
    }

    #[test]
    fn a_wrong_filter_is_told_with_the_variable() {
        let error = subscriber(true, "leadflow=loud", io::sink).err().unwrap().to_string();
        assert!(error.contains("LEADFLOW_LOG"), "{error}");
    }
}
