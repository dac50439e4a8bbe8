//! What admission and compilation say.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::api::condition::Reason;
use crate::folder::FolderError;
use crate::table::{ObjectRef, Objects, Rejected};

/// What is wrong with single manifests.
pub fn admission(errors: &[FolderError]) -> Vec<Finding> {
    let found = errors.iter().map(|error| Finding {
        file: Some(error.file.clone()),
        object: error.object.clone(),
        field: error.field.clone(),
        ..Finding::new(Code::InvalidManifest, error.message.clone())
    });
    found.collect()
}

/// What the rules can't be compiled with. `dangling` are objects that name an Endpoint which is not there, which is told as such already.
pub fn compilation(objects: &Objects, rejected: &[Rejected], dangling: &BTreeSet<ObjectRef>) -> Vec<Finding> {
    if objects.exchange().is_none() {
        let finding = Finding::new(Code::NoExchange, "the folder holds no Exchange, which says what a lead consists of");
        return vec![finding.fix("check the folder together with the Exchange's manifest")];
    }
    let told = |rejected: &&Rejected| !(rejected.reason == Reason::EndpointNotFound && dangling.contains(&rejected.object));
    rejected
        .iter()
        .filter(told)
        .filter(|rejected| rejected.reason != Reason::NoExchange)
        .map(|Rejected { object, problem, .. }| Finding::of(Code::InvalidRule, object, problem.field.clone(), problem.message.clone()))
        .collect()
}
