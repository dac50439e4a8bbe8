//! The one binary: a role, or a tool.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use leadflow::flow::ports::{SystemClock, SystemDice};
use leadflow::roles::{operator, pod, standalone};
use leadflow::settings::{Command, OneProcess, Rules, Settings};
use leadflow::table::duty::Duty;
use leadflow::tools::kubectl::page::Paint;
use leadflow::tools::kubectl::{circuit, report, send_test, status};
use leadflow::tools::{check, close, crds, explain, flowchart, load, probe, receiver, release, simulate, why_not};

fn main() -> ExitCode {
    let settings = Settings::of(std::env::args()).unwrap_or_else(|error| error.exit());
    let mut err = std::io::stderr();
    // Two providers could be compiled in one day; which one is used must not be chance.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        let _ = writeln!(err, "leadflow: a TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(settings)));
    match done {
        Ok(status) => status,
        Err(error) => {
            let _ = writeln!(err, "leadflow: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Status of a folder of manifests that does not pass its check, and of a check that could not be made.
const FOUND: u8 = 1;
const NOT_CHECKED: u8 = 2;

async fn run(settings: Settings) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let service = matches!(
        settings.command,
        Command::Operator(_) | Command::Ingest(_) | Command::Router(_) | Command::Standalone(_) | Command::Quickstart(_)
    );
    if service {
        // A panic's message may hold what was being worked on; its place is enough.
        std::panic::set_hook(Box::new(|panic| tracing::error!(at = panic.location().map(tracing::field::display), "panicked")));
        leadflow::ops::log::start(settings.log_format, settings.log.as_deref())?;
    }
    match &settings.command {
        Command::Operator(settings) => operator::run(settings).await?,
        Command::Ingest(settings) => {
            let address = settings.address.address;
            pod::run(pod::Settings {
                duty: Duty::Ingest,
                place: &settings.place,
                address,
                port: settings.port,
                admin_port: settings.admin_port,
                spool: Some(&settings.spool),
                data: None,
            })
            .await?;
        }
        Command::Router(settings) => {
            let address = settings.address.address;
            let (place, admin_port) = (&settings.place, settings.admin_port);
            pod::run(pod::Settings { duty: Duty::Router, place, address, port: 0, admin_port, spool: None, data: None }).await?;
        }
        Command::Standalone(settings) => match settings.rules() {
            Rules::Folder(dir) => standalone::run(&settings.process, &dir, None, &mut out).await?,
            Rules::Cluster(place) => {
                let OneProcess { address, port, admin_port, data } = &settings.process;
                pod::run(pod::Settings {
                    duty: Duty::Standalone,
                    place: &place,
                    address: *address,
                    port: *port,
                    admin_port: *admin_port,
                    spool: None,
                    data: Some(data),
                })
                .await?;
            }
        },
        Command::Quickstart(settings) => standalone::run(&settings.process, &settings.dir, Some(settings.crm_port), &mut out).await?,
        Command::Probe(settings) => probe::run(settings, &mut out).await?,
        Command::Crds(settings) => match &settings.out {
            Some(dir) => crds::write(dir, &mut out)?,
            None => crds::print(&mut out)?,
        },
        Command::Explain(settings) => explain::run(settings, &mut out).await?,
        Command::Check(settings) => match check::command::run(settings, &mut out) {
            Ok(true) => {}
            Ok(false) => return Ok(ExitCode::from(FOUND)),
            Err(error) => {
                writeln!(std::io::stderr(), "leadflow: {error}")?;
                return Ok(ExitCode::from(NOT_CHECKED));
            }
        },
        Command::Flowchart(settings) => flowchart::command::run(settings, &mut out).await?,
        Command::Simulate(settings) => simulate::command::run(settings, &SystemClock, &mut out, &mut std::io::stderr()).await?,
        Command::WhyNot(settings) => why_not::command::run(settings, &mut out).await?,
        Command::Release(settings) => release::run(settings, &mut out).await?,
        Command::Close(settings) => close::run(settings, &mut out).await?,
        Command::Status(settings) => status::run(settings, &SystemClock, paint(), &mut out).await?,
        Command::Circuit(settings) => circuit::run(settings, &SystemClock, paint(), &mut out).await?,
        Command::SendTest(settings) => send_test::run(settings, &SystemDice, &mut out).await?,
        Command::Report(settings) => report::run(settings, &SystemClock, &mut out).await?,
        Command::Load(settings) => load::run(settings, &SystemDice, &mut out).await?,
        Command::SampleCrm(settings) => receiver::run(settings.address, settings.port).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Colours on a terminal, unless NO_COLOR is set.
fn paint() -> Paint {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && std::io::stdout().is_terminal() { Paint::Colours } else { Paint::Plain }
}
