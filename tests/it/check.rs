//! `docs/check.md` lists the codes that there are, and the samples pass their own check.

use leadflow::settings::{CheckOutput, CheckSettings};
use leadflow::tools::check::command::run;
use leadflow::tools::check::finding::Code;

use crate::sources::{read, root};

#[test]
fn every_code_is_listed_with_its_level_and_meaning_and_no_other() {
    let rows: Vec<_> = Code::ALL.iter().map(|code| format!("| `{code}` | {} | {} |", code.level().as_str(), code.meaning())).collect();
    let document = read("docs/check.md");
    let table = document.split_once("| code | level | means |\n|---|---|---|\n").unwrap().1;
    assert_eq!(table.trim_end(), rows.join("\n"), "docs/check.md is not what the code says");
}

#[test]
fn the_samples_pass_their_own_check() {
    for folder in ["config/samples", "config/samples/quickstart"] {
        let settings = CheckSettings { dir: root().join(folder), output: CheckOutput::Text, warnings_as_errors: true, samples: None };
        let mut out = Vec::new();
        assert!(run(&settings, &mut out).unwrap(), "{folder}:\n{}", String::from_utf8_lossy(&out));
    }
}
