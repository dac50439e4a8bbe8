//! The only writer of objects. IO.

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::DynamicObject;
use kube::{Api, Client};

use super::build::Wanted;
use super::child::{ChildId, ChildKind, Need, with_fingerprint};
use super::error::Category;
use super::validate::Valid;
use super::world::World;
use crate::cluster::deadline::{Failure, Meaning, bounded};
use crate::ops::metrics::Metrics;

/// The name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "leadflow-operator";

/// Why an object could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{verb} {} {name}: {failure}", kind.as_str())]
    Write { verb: &'static str, kind: ChildKind, name: String, failure: Failure },
    #[error("{} {name} still belongs to a deleted Exchange and is waited for", kind.as_str())]
    Leftover { kind: ChildKind, name: String },
}

impl Error {
    pub fn category(&self) -> Category {
        match self {
            Self::Leftover { .. } => Category::Conflict,
            Self::Write { failure, .. } => match failure.meaning() {
                Meaning::Conflict => Category::Conflict,
                Meaning::Forbidden => Category::Forbidden,
                Meaning::Invalid => Category::Bug,
                // Such as a namespace that is on its way out.
                Meaning::NotFound | Meaning::Unavailable => Category::Unavailable,
            },
        }
    }
}

/// Makes the API server's objects what they should be: writes what differs, in order, then deletes what an Exchange consists of no more. Nothing is sent
/// when nothing differs.
pub async fn apply(client: &Client, world: &World, metrics: &Metrics, valid: &Valid, wanted: &[Wanted]) -> Result<(), Error> {
    let lacking = world.children().lacking();
    // What the cluster does not serve is told in status, and is applied when it comes.
    for Wanted { kind, name, object } in wanted.iter().filter(|wanted| !lacking.contains(&wanted.kind)) {
        let id = ChildId { namespace: valid.namespace.clone(), kind: *kind, name: name.clone() };
        let need = world.children().need(&id, object, &valid.uid);
        let apply = PatchParams::apply(FIELD_MANAGER);
        let apply = match need {
            Need::Nothing => continue,
            Need::Wait => return Err(Error::Leftover { kind: *kind, name: name.clone() }),
            Need::Create => apply,
            Need::Mend => apply.force(),
        };
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), &valid.namespace, &kind.resource());
        metrics.writes.with_label_values(&[kind.as_str(), "apply"]).inc();
        let sent = with_fingerprint(object);
        let written = bounded(api.patch(name, &apply, &Patch::Apply(&sent))).await.map_err(|failure| Error::Write {
            verb: "apply",
            kind: *kind,
            name: name.clone(),
            failure,
        })?;
        tracing::info!(kind = kind.as_str(), namespace = valid.namespace, name, "applied");
        world.children().written(&id, object, written);
    }
    prune(client, world, metrics, valid, wanted).await
}

async fn prune(client: &Client, world: &World, metrics: &Metrics, valid: &Valid, wanted: &[Wanted]) -> Result<(), Error> {
    let owned = world.children().owned(&valid.namespace, &valid.uid);
    let orphans = owned.into_iter().filter(|(id, _)| !wanted.iter().any(|wanted| wanted.kind == id.kind && wanted.name == id.name));
    for (id, uid) in orphans {
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), &id.namespace, &id.kind.resource());
        let this_one = DeleteParams { preconditions: Some(Preconditions { uid, resource_version: None }), ..DeleteParams::background() };
        metrics.writes.with_label_values(&[id.kind.as_str(), "delete"]).inc();
        match bounded(api.delete(&id.name, &this_one)).await {
            Ok(_) => {}
            Err(failure) if failure.meaning() == Meaning::NotFound => {}
            Err(failure) => return Err(Error::Write { verb: "delete", kind: id.kind, name: id.name, failure }),
        }
        tracing::info!(
            kind = id.kind.as_str(),
            namespace = id.namespace,
            name = id.name,
            "deleted: it is no part of its Exchange any more"
        );
        world.children().remove(&id);
    }
    Ok(())
}
