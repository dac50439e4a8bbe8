use clap::CommandFactory;

use super::*;

fn parse(line: &str) -> Command {
    Settings::try_parse_from(line.split(' ')).unwrap().command
}

#[test]
fn the_commands_are_well_formed() {
    Settings::command().debug_assert();
}

#[test]
fn one_process_listens_on_loopback_and_roles_on_all_addresses() {
    let Command::Standalone(standalone) = parse("leadflow standalone rules") else { panic!() };
    assert!(standalone.process.address.is_loopback());
    assert_eq!(standalone.process.data, PathBuf::from("leadflow-data"));
    let Command::Ingest(ingest) = parse("leadflow ingest --exchange brokerage --pod-name ingest-1") else { panic!() };
    assert_eq!((ingest.address.address, ingest.port, ingest.admin_port), (None, 8080, 9080));
}

#[test]
fn load_waits_only_when_asked_to() {
    let waits = ["", " --wait", " --wait 3"].map(|flags| match parse(&format!("leadflow load{flags}")) {
        Command::Load(load) => load.wait,
        _ => panic!(),
    });
    assert_eq!(waits, [0, 10, 3]);
}
