//! `leadflow report`: a file for those who help, to be looked at before it is sent.
//!
//! [`gather`] asks the cluster for objects, events, metrics and logs; [`clean`] takes out of objects what is nobody's business, [`redact`] out of every text what
//! looks like it; [`secrets`] tells of Secrets their entries' names and sizes; [`bundle`] packs.

mod bundle;
mod clean;
mod gather;
mod redact;
mod secrets;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::json;

pub use bundle::{Bundle, pack};
pub use clean::clean;
pub use gather::gather;
pub use redact::Redactor;

use super::cluster::{Cluster, ClusterError};
use crate::flow::ports::Clock;
use crate::settings::{Output, ReportSettings};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("{}: can't be written: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("what looks like personal data can't be told: {0}")]
    Patterns(#[from] regex::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Gathers, packs, writes the file, and lists what is in it.
pub async fn run(settings: &ReportSettings, clock: &dyn Clock, out: &mut impl Write) -> Result<(), ReportError> {
    let cluster = Cluster::connect(&settings.cluster).await?;
    let bundle = gather(&cluster, settings, clock).await?;
    let now = clock.now();
    let path = settings.to.clone().unwrap_or_else(|| {
        let time = now.strftime("%Y%m%dT%H%M%SZ");
        PathBuf::from(format!("leadflow-report-{}-{time}.tar.gz", cluster.namespace))
    });
    let bytes = pack(&bundle, now.as_second())?;
    let failed = |source| ReportError::File { path: path.clone(), source };
    let mut file = open(&path).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    match settings.output {
        Output::Json => {
            let files: Vec<_> = bundle.files.iter().map(|file| json!({"path": file.path, "bytes": file.text.len()})).collect();
            writeln!(out, "{:#}", json!({"file": path, "bytes": bytes.len(), "files": files, "missing": bundle.missing}))?;
        }
        Output::Text => {
            writeln!(out, "{} ({} bytes) holds:", path.display(), bytes.len())?;
            for file in &bundle.files {
                writeln!(out, "  {:>9}  {}", file.text.len(), file.path)?;
            }
            for missing in &bundle.missing {
                writeln!(out, "! not in it: {missing}")?;
            }
            writeln!(
                out,
                "Values of Secrets, contact data and display names are not in it. Names of objects, rules and prices are: look before you send it:"
            )?;
            writeln!(out, "  tar -xzf {}", path.display())?;
        }
    }
    Ok(())
}

/// A new file that nobody else may read.
fn open(path: &PathBuf) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
