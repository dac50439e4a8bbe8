//! The tool: reads a folder, and samples when there are some; checks; writes.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::finding::{Counts, Finding};
use super::findings::{Checked, findings};
use super::junit::junit;
use super::places::Places;
use super::rules::admission;
use super::samples::Samples;
use super::sarif::sarif;
use super::text::text;
use crate::folder::documents::{ManifestFile, files};
use crate::folder::read::understand;
use crate::settings::{CheckOutput, CheckSettings};
use crate::table::{Objects, compile};

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("{0}")]
    Folder(String),
    #[error("--samples {0}: can't be read: {1}")]
    Samples(String, io::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// What was found, and in how many objects.
struct Report {
    findings: Vec<Finding>,
    objects: usize,
}

/// Checks, writes, and tells whether the folder passes.
pub fn run(settings: &CheckSettings, out: &mut impl Write) -> Result<bool, CheckError> {
    let told = |errors: Vec<crate::folder::FolderError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let manifests = files(&settings.dir).map_err(|errors| CheckError::Folder(told(errors)))?;
    let samples = match &settings.samples {
        Some(file) => Some((
            file.display().to_string(),
            fs::read_to_string(file).map_err(|error| CheckError::Samples(file.display().to_string(), error))?,
        )),
        None => None,
    };
    let Report { findings, objects } = checked(&settings.dir, &manifests, samples);
    match settings.output {
        CheckOutput::Text => out.write_all(text(&findings, objects).as_bytes())?,
        CheckOutput::Json => writeln!(out, "{:#}", json!({"objects": objects, "counts": Counts::of(&findings), "findings": findings}))?,
        CheckOutput::Sarif => writeln!(out, "{:#}", sarif(&findings))?,
        CheckOutput::Junit => out.write_all(junit(&findings, settings.warnings_as_errors).as_bytes())?,
    }
    let counts = Counts::of(&findings);
    Ok(counts.errors == 0 && (counts.warnings == 0 || !settings.warnings_as_errors))
}

fn checked(folder: &Path, manifests: &[ManifestFile], samples: Option<(String, String)>) -> Report {
    let folder = folder.display().to_string();
    let (objects, secrets) = match understand(manifests) {
        Ok(read) => read,
        Err(errors) => {
            let places = Places::new(&folder, manifests, &Objects::default());
            let placed = admission(&errors).into_iter().zip(&errors).map(|(finding, error)| places.place(finding, error.document));
            return Report { findings: sorted(placed.collect()), objects: 0 };
        }
    };
    let (table, rejected) = compile(&objects);
    let (samples, mut found) = match samples {
        Some((file, text)) => Samples::read(&text, &file, &table),
        None => (Samples::made_up(&table), Vec::new()),
    };
    let places = Places::new(&folder, manifests, &objects);
    let checked = Checked { objects: &objects, secrets: &secrets, table: &table, rejected: &rejected, samples: &samples };
    found.extend(findings(&checked).into_iter().map(|finding| places.place(finding, None)));
    Report { findings: sorted(found), objects: objects.len() }
}

/// By file, line and column; what has no place comes first.
fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings
}
