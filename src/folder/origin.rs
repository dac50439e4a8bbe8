//! Which document an object was read from, kept with the object as annotations: for what turns out to be wrong only when all objects are put together.

use std::collections::BTreeMap;

use kube::Resource;

use super::FolderError;
use crate::table::objects::Kind;
use crate::table::{ObjectRef, Objects, Rejected};

/// Annotations that tools for manifests use for the file and for the document's number in it, from 0.
const FILE: &str = "config.kubernetes.io/path";
const INDEX: &str = "config.kubernetes.io/index";

/// The annotations of an object that was read from this document, numbered from 1.
pub(super) fn annotations(file: &str, number: usize, given: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let origin = [(FILE.to_owned(), file.to_owned()), (INDEX.to_owned(), number.saturating_sub(1).to_string())];
    given.cloned().into_iter().flatten().chain(origin).collect()
}

/// The file and the document's number in it, from 1, that an object was read from; none for one that was not read from a folder.
pub fn of(objects: &Objects, object: &ObjectRef) -> Option<(String, usize)> {
    let number = annotated(objects, object, INDEX)?.parse::<usize>().ok()?;
    Some((annotated(objects, object, FILE)?.to_owned(), number + 1))
}

/// What is wrong with the rules as a whole, told like what is wrong with a document.
pub fn blame(objects: &Objects, rejected: &[Rejected]) -> Vec<FolderError> {
    let told = rejected.iter().map(|Rejected { object, problem, .. }| {
        let annotation = |key| annotated(objects, object, key);
        FolderError {
            file: annotation(FILE).unwrap_or_default().to_owned(),
            document: annotation(INDEX).and_then(|index| index.parse::<usize>().ok()).map(|index| index + 1),
            object: Some(format!("{}/{}", object.kind.as_str(), object.name)),
            field: (!problem.field.is_empty()).then(|| problem.field.clone()),
            message: problem.message.clone(),
        }
    });
    told.collect()
}

fn annotated<'a>(objects: &'a Objects, object: &ObjectRef, key: &str) -> Option<&'a str> {
    let name = &object.name;
    match object.kind {
        Kind::Exchange => objects.exchanges.get(name).and_then(|object| annotation(object.as_ref(), key)),
        Kind::LeadSource => objects.sources.get(name).and_then(|object| annotation(object.as_ref(), key)),
        Kind::Agent => objects.agents.get(name).and_then(|object| annotation(object.as_ref(), key)),
        Kind::Buyer => objects.buyers.get(name).and_then(|object| annotation(object.as_ref(), key)),
        Kind::Endpoint => objects.endpoints.get(name).and_then(|object| annotation(object.as_ref(), key)),
        Kind::RoutingPolicy => objects.policies.get(name).and_then(|object| annotation(object.as_ref(), key)),
    }
}

fn annotation<'a>(object: &'a impl Resource, key: &str) -> Option<&'a str> {
    object.meta().annotations.as_ref()?.get(key).map(String::as_str)
}
