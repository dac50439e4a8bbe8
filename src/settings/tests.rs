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
fn roles_have_their_ports_and_one_process_its_folder() {
    let Command::Standalone(standalone) = parse("leadflow standalone rules") else { panic!() };
    assert!(matches!(standalone.rules(), Rules::Folder(dir) if dir.ends_with("rules")));
    assert_eq!(standalone.process.data, PathBuf::from("leadflow-data"));
    let Command::Ingest(ingest) = parse("leadflow ingest --exchange brokerage --pod-name ingest-1") else { panic!() };
    assert_eq!((ingest.address.address, ingest.port, ingest.admin_port), (None, 8080, 9080));
}

#[test]
fn standalone_has_its_rules_from_a_folder_or_from_a_cluster() {
    let Command::Standalone(standalone) = parse("leadflow standalone --exchange house --namespace sales") else { panic!() };
    assert!(matches!(standalone.rules(), Rules::Cluster(place) if place.exchange == "house"));
    for line in ["leadflow standalone", "leadflow standalone rules --exchange house"] {
        assert!(Settings::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn load_waits_only_when_asked_to() {
    let waits = ["", " --wait", " --wait 3"].map(|flags| match parse(&format!("leadflow load{flags}")) {
        Command::Load(load) => load.wait,
        _ => panic!(),
    });
    assert_eq!(waits, [0, 10, 3]);
}
