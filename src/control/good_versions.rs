//! Recording the good version of each broken object, for processes that start while it is broken.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};

use super::judge::Judged;
use crate::cluster::deadline::{Failure, Meaning, bounded};
use crate::cluster::last_good::{Records, record};
use crate::cluster::rule;
use crate::ops::metrics::Metrics;

/// A record to be made, or to be deleted.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Keep(Box<ControllerRevision>),
    Drop { name: String },
}

/// What makes the records of a namespace fit its verdict. Pure.
pub fn differing(namespace: &str, judged: &Judged, records: &Records) -> Vec<Change> {
    let wanted: Vec<ControllerRevision> = (judged.fallen_back.keys())
        .filter_map(|object| record::revision(namespace, object, &rule::get(&judged.objects, object)?))
        .collect();
    let known: BTreeSet<&str> = records.values().map(|record| record.name.as_str()).collect();
    let is_wanted = |name: &str| wanted.iter().any(|revision| revision.metadata.name.as_deref() == Some(name));
    let superfluous = known.iter().filter(|name| !is_wanted(name)).map(|name| Change::Drop { name: (*name).to_owned() });
    // What is new comes before what is old goes, so that there is always one.
    let missing = wanted.iter().filter(|revision| !known.contains(revision.metadata.name.as_deref().unwrap_or_default()));
    missing.cloned().map(|revision| Change::Keep(Box::new(revision))).chain(superfluous).collect()
}

/// Writes one change, and says whether that came off. What fails is tried again with the next look.
pub async fn write(client: &Client, metrics: &Metrics, namespace: &str, change: Change) -> bool {
    let revisions = Api::<ControllerRevision>::namespaced(client.clone(), namespace);
    let verb = if matches!(change, Change::Keep(_)) { "create" } else { "delete" };
    metrics.writes.with_label_values(&["ControllerRevision", verb]).inc();
    let done: Result<(), Failure> = match &change {
        Change::Keep(revision) => bounded(revisions.create(&PostParams::default(), revision)).await.map(drop),
        Change::Drop { name } => bounded(revisions.delete(name, &DeleteParams::background())).await.map(drop),
    };
    let name = match &change {
        Change::Keep(revision) => revision.metadata.name.as_deref().unwrap_or_default(),
        Change::Drop { name } => name,
    };
    match done {
        Ok(()) => tracing::info!(namespace, name, verb, "the record of a good version was written"),
        // It was there, or is gone: the watch will tell.
        Err(failure) if matches!(failure.meaning(), Meaning::NotFound | Meaning::Conflict) => {}
        Err(error) => {
            tracing::warn!(namespace, name, verb, %error, "the record of a good version could not be written; it is tried again");
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::cluster::last_good::Record;
    use crate::table::{Kind, ObjectRef};

    fn fallen_back_to(generation: i64) -> Judged {
        let agent = json!({
            "apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent",
            "metadata": {
                "name": "sarah", "namespace": "sales", "uid": "u-1", "generation": generation, "resourceVersion": "77",
                "labels": {"team": "west"}, "annotations": {"of": "a tool"},
            },
            "spec": {"deliverTo": "crm"},
        });
        let mut judged = Judged::default();
        judged.objects.agents.insert("sarah".into(), Arc::new(serde_json::from_value(agent).unwrap()));
        judged.fallen_back.insert(ObjectRef { kind: Kind::Agent, name: "sarah".into() }, generation);
        judged
    }

    fn made(changes: &[Change]) -> (&ControllerRevision, Records) {
        let Change::Keep(revision) = &changes[0] else { panic!("{changes:?}") };
        let (uid, record) = Record::read(revision).unwrap();
        (revision, BTreeMap::from([(uid, record)]))
    }

    #[test]
    fn the_version_that_runs_is_recorded_once_and_belongs_to_its_object() {
        let judged = fallen_back_to(4);
        let changes = differing("sales", &judged, &Records::new());
        let (revision, records) = made(&changes);
        assert_eq!((changes.len(), revision.revision), (1, 4));
        let owner = &revision.metadata.owner_references.as_ref().unwrap()[0];
        assert_eq!((owner.kind.as_str(), owner.uid.as_str()), ("Agent", "u-1"));
        assert_eq!(revision.metadata.labels.as_ref().unwrap()["leadflow.dev/kind"], "Agent");
        let metadata = &revision.data.as_ref().unwrap().0["metadata"];
        assert_eq!(
            metadata,
            &json!({"name": "sarah", "namespace": "sales", "uid": "u-1", "generation": 4, "labels": {"team": "west"}}),
            "what the rules depend on, and nothing else"
        );
        assert_eq!(differing("sales", &judged, &records), []);
    }

    #[test]
    fn a_record_goes_when_its_object_is_mended_or_another_version_runs() {
        let changes = differing("sales", &fallen_back_to(4), &Records::new());
        let (revision, records) = made(&changes);
        let drop = Change::Drop { name: revision.metadata.name.clone().unwrap() };
        assert_eq!(differing("sales", &Judged::default(), &records), std::slice::from_ref(&drop));
        let changes = differing("sales", &fallen_back_to(6), &records);
        assert!(matches!(&changes[0], Change::Keep(revision) if revision.revision == 6), "first the new one: {changes:?}");
        assert_eq!(changes[1..], [drop]);
    }
}
