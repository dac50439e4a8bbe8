//! The good version of a broken object as a `ControllerRevision`. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;

use crate::cluster::rule::{Rule, resource};
use crate::table::{Kind, ObjectRef};

/// Label with the kind of the object that a record is of; records are found by it.
pub const KIND: &str = "leadflow.dev/kind";

/// A recorded version of an object.
#[derive(Clone, Debug)]
pub struct Record {
    /// Of the record itself.
    pub name: String,
    pub object: ObjectRef,
    pub rule: Rule,
}

/// Records of one namespace, by the uid of their object.
pub type Records = BTreeMap<String, Record>;

impl Record {
    pub fn generation(&self) -> i64 {
        self.rule.generation()
    }

    /// Reads a record; gives the uid of its object with it.
    pub fn read(revision: &ControllerRevision) -> Result<(String, Self), String> {
        let label = revision.metadata.labels.as_ref().and_then(|labels| labels.get(KIND));
        let kind = Kind::ALL.into_iter().find(|kind| label.is_some_and(|label| label == kind.as_str()));
        let kind = kind.ok_or_else(|| format!("label {KIND}: is no kind of ours"))?;
        let data = revision.data.as_ref().map(|data| data.0.clone()).unwrap_or_default();
        let rule = Rule::read(kind, data).map_err(|error| format!("data: {error}"))?;
        let metadata = rule.metadata();
        let uid = metadata.uid.clone().ok_or("data.metadata.uid: is missing")?;
        let object = ObjectRef { kind, name: metadata.name.clone().ok_or("data.metadata.name: is missing")? };
        Ok((uid, Self { name: revision.metadata.name.clone().unwrap_or_default(), object, rule }))
    }
}

/// The name of the record of a version of an object. A record's data can't be changed, so another version is another record.
pub fn name(uid: &str, generation: i64) -> String {
    format!("leadflow-{uid}-{generation}")
}

/// The record of an object, as it is now. `None` where the API server's marks are missing.
pub fn revision(namespace: &str, object: &ObjectRef, rule: &Rule) -> Option<ControllerRevision> {
    let uid = rule.metadata().uid.as_deref()?;
    let resource = resource(object.kind);
    let labels = BTreeMap::from([
        (KIND.to_owned(), object.kind.as_str().to_owned()),
        ("app.kubernetes.io/part-of".to_owned(), "leadflow".to_owned()),
        ("app.kubernetes.io/managed-by".to_owned(), "leadflow-operator".to_owned()),
    ]);
    let owner = OwnerReference {
        api_version: resource.api_version,
        kind: resource.kind,
        name: object.name.clone(),
        uid: uid.to_owned(),
        ..OwnerReference::default()
    };
    Some(ControllerRevision {
        metadata: ObjectMeta {
            name: Some(name(uid, rule.generation())),
            namespace: Some(namespace.to_owned()),
            labels: Some(labels),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(RawExtension(rule.written().ok()?)),
        revision: rule.generation(),
    })
}
