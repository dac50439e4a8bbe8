//! What a router is asked to simulate on the leads of its store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::store::RuleObject;
use crate::table::digest;
use crate::table::{Objects, Rejected, Table, compile};

/// The most leads of one simulation.
pub const MOST_LEADS: u32 = 200_000;

/// The request.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The custom resources whose rules are simulated, as JSON each.
    pub objects: Vec<String>,
    /// Those to compare with; the rules in force when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Vec<String>>,
    /// How many of the leads that arrived last.
    pub last: u32,
    /// Hours that a lead stays open with an agent.
    pub open_hours: u32,
}

/// Objects as a request has them.
pub fn written(objects: &Objects) -> Vec<String> {
    digest::of(objects).1.iter().map(|object| object.json.clone()).collect()
}

/// The rules of a request's objects.
///
/// # Errors
/// Says which object can't be read or compiled: what is simulated must be what would run.
pub fn table(objects: &[String]) -> Result<Arc<Table>, String> {
    let records: Vec<_> = objects.iter().map(|json| RuleObject { hash: [0; 32], json: json.clone() }).collect();
    let objects = digest::objects(&records).map_err(|error| format!("the manifests can't be read: {error}"))?;
    all_valid(compile(&objects))
}

/// The table, when nothing was left out of it.
pub fn all_valid((table, rejected): (Table, Vec<Rejected>)) -> Result<Arc<Table>, String> {
    let told: Vec<_> = rejected.iter().map(|Rejected { object, problem, .. }| format!("{object}: {problem}")).collect();
    if told.is_empty() { Ok(Arc::new(table)) } else { Err(told.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::documents::ManifestFile;
    use crate::folder::read::understand;

    #[test]
    fn objects_come_to_the_same_rules_when_they_were_sent() {
        let text = include_str!("testdata/house.yaml");
        let (objects, _) = understand(&[ManifestFile { name: "house.yaml".into(), text: text.into() }]).unwrap();
        let sent = table(&written(&objects)).unwrap();
        assert_eq!(sent.digest, compile(&objects).0.digest);
    }

    #[test]
    fn rules_that_would_not_run_whole_are_refused_by_name() {
        let text = include_str!("testdata/house.yaml").replacen("deliverTo: crm", "deliverTo: crn", 1);
        let (objects, _) = understand(&[ManifestFile { name: "house.yaml".into(), text }]).unwrap();
        let wrong = table(&written(&objects)).unwrap_err();
        assert!(wrong.starts_with("Agent ann: spec.deliverTo: "), "{wrong}");
        assert!(table(&["{".to_owned()]).unwrap_err().starts_with("the manifests can't be read"));
    }
}
