//! The tool: leads of a file are run here; for those of the store a router is asked, so that no lead leaves it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::markdown::markdown;
use super::report::Report;
use super::request::{Request, all_valid, written};
use super::run::simulate;
use super::table::table;
use crate::flow::ports::Clock;
use crate::folder;
use crate::settings::{SimulateOutput, SimulateSettings};
use crate::table::{Objects, Table, compile};
use crate::tools::admin_port::{AskError, reach};
use crate::tools::posted_leads;

/// The name of the leads that routers have.
const STORE: &str = "store";
/// The longest that a router may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{0}\nsee all that is wrong by: leadflow check {1}")]
    Rules(String, String),
    #[error("--leads {0}: can't be read: {1}")]
    Leads(String, io::Error),
    #[error("the router's report can't be read; use the same version of leadflow as the router: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Simulates, and writes the report. What is left out of it is told on `err`.
pub async fn run(settings: &SimulateSettings, clock: &dyn Clock, out: &mut impl Write, err: &mut impl Write) -> Result<(), SimulateError> {
    let after = rules(&settings.dir)?;
    let before = settings.against.as_deref().map(rules).transpose()?;
    let report = if settings.leads == STORE {
        let request = Request {
            objects: written(&after.0),
            against: before.map(|before| written(&before.0)),
            last: settings.last,
            open_hours: settings.open_hours,
        };
        serde_json::from_value(reach(&settings.router).await?.post_body("simulation", &request, PATIENCE).await?)?
    } else {
        of_file(settings, clock, &after.1, before.map(|before| before.1).as_ref(), err)?
    };
    match settings.output {
        SimulateOutput::Text => out.write_all(table(&report).as_bytes())?,
        SimulateOutput::Markdown => out.write_all(markdown(&report).as_bytes())?,
        SimulateOutput::Json => writeln!(out, "{:#}", serde_json::to_value(&report)?)?,
    }
    Ok(())
}

/// The objects of a folder, and their rules.
fn rules(dir: &Path) -> Result<(Objects, Arc<Table>), SimulateError> {
    let wrong = |told: String| SimulateError::Rules(told, dir.display().to_string());
    let lines = |errors: Vec<folder::FolderError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let (objects, _) = folder::read(dir).map_err(|errors| wrong(lines(errors)))?;
    let table = all_valid(compile(&objects)).map_err(wrong)?;
    Ok((objects, table))
}

fn of_file(
    settings: &SimulateSettings,
    clock: &dyn Clock,
    after: &Arc<Table>,
    before: Option<&Arc<Table>>,
    err: &mut impl Write,
) -> Result<Report, SimulateError> {
    let text = fs::read_to_string(&settings.leads).map_err(|error| SimulateError::Leads(settings.leads.clone(), error))?;
    let start = settings.start.unwrap_or_else(|| clock.now());
    let every = i64::from(settings.every);
    let at = |before: u64| {
        let seconds = i64::try_from(before).unwrap_or(i64::MAX).saturating_mul(every);
        start.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(start)
    };
    let (mut leads, mut refused) = (Vec::new(), Vec::new());
    for line in posted_leads::read(&text, after, at) {
        match line.lead {
            Ok(lead) => leads.push(lead),
            Err(message) => refused.push(format!("{}:{}: {message}", settings.leads, line.number)),
        }
    }
    if let Some(first) = refused.first() {
        writeln!(err, "leadflow: {} of {} leads are left out, first {first}", refused.len(), refused.len() + leads.len())?;
    }
    Ok(simulate(after, before, leads, SignedDuration::from_hours(settings.open_hours.into())))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::flow::ports::StillClock;
    use crate::settings::RouterAccess;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn of(rules: &str, leads: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("house.yaml"), rules).unwrap();
            fs::write(folder.path().join("leads.jsonl"), leads).unwrap();
            Self(folder)
        }

        fn settings(&self) -> SimulateSettings {
            SimulateSettings {
                dir: self.0.path().to_owned(),
                leads: self.0.path().join("leads.jsonl").display().to_string(),
                against: None,
                output: SimulateOutput::Json,
                last: 10,
                start: None,
                every: 60,
                open_hours: 24,
                router: RouterAccess::at("http://127.0.0.1:9"),
            }
        }
    }

    const HOUSE: &str = include_str!("testdata/house.yaml");

    async fn told(settings: &SimulateSettings) -> Result<(String, String), SimulateError> {
        let clock = StillClock::at("2026-11-23T14:00:00Z".parse::<Timestamp>().unwrap());
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(settings, &clock, &mut out, &mut err).await?;
        Ok((String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap()))
    }

    #[tokio::test]
    async fn a_file_of_leads_is_run_and_what_can_not_be_read_is_told() {
        let leads =
            "{\"email\": \"a@example.com\", \"state\": \"NY\"}\n{\"email\": \"mary\"}\n{\"email\": \"b@example.com\", \"state\": \"CA\"}\n";
        let folder = Folder::of(HOUSE, leads);
        let (out, err) = told(&folder.settings()).await.unwrap();
        let report: Report = serde_json::from_str(&out).unwrap();
        assert_eq!((report.leads, report.after.matched, report.before), (2, 2, None));
        assert!(err.contains("1 of 3 leads are left out") && err.contains(":2: ") && !err.contains("mary"), "{err}");
        let other = Folder::of(&HOUSE.replacen("weight: 3", "weight: 3\n  paused: true", 1), "");
        let settings = SimulateSettings { against: Some(other.0.path().to_owned()), output: SimulateOutput::Markdown, ..folder.settings() };
        assert!(told(&settings).await.unwrap().0.contains("| | before | after |"));
        let settings = SimulateSettings { output: SimulateOutput::Text, ..settings };
        assert!(told(&settings).await.unwrap().0.starts_with("2 leads\n"));
    }

    #[tokio::test]
    async fn rules_that_would_not_run_whole_are_not_simulated() {
        for wrong in ["deliverTo: crn", "deliver: crm"] {
            let folder = Folder::of(&HOUSE.replacen("deliverTo: crm", wrong, 1), "");
            let error = told(&folder.settings()).await.unwrap_err().to_string();
            assert!(error.contains("ann") && error.contains("leadflow check"), "{error}");
        }
        let folder = Folder::of(HOUSE, "");
        let settings = SimulateSettings { leads: "no/such/file".to_owned(), ..folder.settings() };
        assert!(told(&settings).await.unwrap_err().to_string().starts_with("--leads no/such/file: can't be read"));
        let settings = SimulateSettings { leads: "store".to_owned(), ..folder.settings() };
        assert!(matches!(told(&settings).await, Err(SimulateError::Ask(AskError::NoAnswer { .. }))));
    }
}
