//! Kubernetes Events, on transitions only. They expire; the truth is in status. One that can't be published is not missed.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::apply::FIELD_MANAGER;
use super::status::Write;
use super::world::Trouble;
use crate::cluster::deadline::bounded;
use crate::cluster::rule::{Seen, resource};
use crate::table::{Kind, ObjectRef};

/// Longest note of an Event, in characters; the API server's own limit is 1,024 bytes.
const LONGEST_NOTE: usize = 250;

/// Publishes Events.
pub struct Events(Recorder);

/// The object that an Event is about.
pub fn about(namespace: &str, object: &ObjectRef, uid: &str) -> ObjectReference {
    let resource = resource(object.kind);
    ObjectReference {
        api_version: Some(resource.api_version),
        kind: Some(resource.kind),
        namespace: Some(namespace.to_owned()),
        name: Some(object.name.clone()),
        uid: Some(uid.to_owned()),
        ..ObjectReference::default()
    }
}

impl Events {
    pub fn new(client: Client, pod: &str) -> Self {
        let instance = (!pod.is_empty()).then(|| pod.to_owned());
        Self(Recorder::new(client, Reporter { controller: FIELD_MANAGER.to_owned(), instance }))
    }

    /// Tells that an object is accepted no more, or is again.
    pub async fn acceptance(&self, write: &Write, before: Option<&Seen>, after: &Seen) {
        let accepted = |seen: &Seen| seen.conditions.iter().find(|condition| condition.type_ == "Accepted").cloned();
        let Some(now) = accepted(after) else {
            return;
        };
        let was = before.and_then(accepted).map(|condition| condition.status);
        let reference = about(&write.namespace, &write.object, &write.uid);
        match (was.as_deref(), now.status.as_str()) {
            (Some("False"), "True") => self.publish(EventType::Normal, "Accepted", "Judge", &now.message, &reference).await,
            (None | Some("True"), "False") => self.publish(EventType::Warning, &now.reason, "Judge", &now.message, &reference).await,
            _ => {}
        }
    }

    /// Tells how a reconcile of an Exchange went, when that is news.
    pub async fn reconciled(&self, namespace: &str, exchange: &str, uid: &str, trouble: Option<&Trouble>) {
        let reference = about(namespace, &ObjectRef { kind: Kind::Exchange, name: exchange.to_owned() }, uid);
        match trouble {
            Some(trouble) => self.publish(EventType::Warning, trouble.category.as_str(), "Apply", &trouble.message, &reference).await,
            None => {
                self.publish(EventType::Normal, "Applied", "Apply", "all objects of the Exchange are as they should be", &reference).await
            }
        }
    }

    async fn publish(&self, type_: EventType, reason: &str, action: &str, note: &str, about: &ObjectReference) {
        let note = Some(note.chars().take(LONGEST_NOTE).collect());
        let event = Event { type_, reason: reason.to_owned(), note, action: action.to_owned(), secondary: None };
        if let Err(error) = bounded(self.0.publish(&event, about)).await {
            tracing::debug!(%error, reason, "an Event could not be published");
        }
    }
}
