//! The only writer of objects. IO.

use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::core::DynamicObject;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::build::Wanted;
use super::child::{ChildId, ChildKind, Need, with_fingerprint};
use super::error::Category;
use super::order::waiting;
use super::validate::Valid;
use super::world::World;
use crate::cluster::deadline::{Failure, Meaning, bounded};
use crate::ops::metrics::Metrics;

/// The name under which the operator owns fields.
pub const FIELD_MANAGER: &str = "leadflow-operator";

/// The name under which the number of pods is held that an autoscaler takes over.
const SCALE_MANAGER: &str = "leadflow-operator-scale";

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
                Meaning::Invalid => Category::Refused,
                // Such as a namespace that is on its way out.
                Meaning::NotFound | Meaning::Unavailable => Category::Unavailable,
            },
        }
    }
}

/// Makes the API server's objects what they should be: writes what differs, in order and as far as it is its turn, then deletes what an Exchange
/// consists of no more. Nothing is sent when nothing differs.
///
/// An object that is refused keeps no other from being written, so that a bad Ingress stops no pods; nothing is deleted then.
pub async fn apply(client: &Client, world: &World, metrics: &Metrics, valid: &Valid, wanted: &[Wanted]) -> Result<(), Error> {
    let lacking = world.children().lacking(&valid.namespace);
    let waiting = waiting(wanted, &world.children(), &valid.namespace);
    let mut refused = None;
    // What the cluster does not serve is told in status, and is applied when it comes.
    for each in wanted.iter().filter(|wanted| !lacking.contains(&wanted.kind)) {
        if each.kind == ChildKind::Deployment && waiting.contains(&each.name) {
            continue;
        }
        match write(client, world, metrics, valid, each).await {
            Err(error) if matches!(error.category(), Category::Refused | Category::Forbidden) => drop(refused.get_or_insert(error)),
            written => written?,
        }
    }
    match refused {
        Some(error) => Err(error),
        None => prune(client, world, metrics, valid, wanted).await,
    }
}

/// Writes one object, if it differs.
async fn write(client: &Client, world: &World, metrics: &Metrics, valid: &Valid, wanted: &Wanted) -> Result<(), Error> {
    let Wanted { kind, name, object } = wanted;
    let id = ChildId { namespace: valid.namespace.clone(), kind: *kind, name: name.clone() };
    let apply = PatchParams::apply(FIELD_MANAGER);
    let apply = match world.children().need(&id, object, &valid.uid) {
        Need::Nothing => return Ok(()),
        Need::Wait => return Err(Error::Leftover { kind: *kind, name: name.clone() }),
        Need::Create => apply,
        Need::Mend => apply.force(),
    };
    let api = Api::<DynamicObject>::namespaced_with(client.clone(), &valid.namespace, &kind.resource());
    let failed = |failure| Error::Write { verb: "apply", kind: *kind, name: name.clone(), failure };
    let replicas = handed_over(object, world.children().live(&id));
    if let Some(replicas) = replicas {
        metrics.writes.with_label_values(&[kind.as_str(), "apply"]).inc();
        let only = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "spec": {"replicas": replicas}});
        bounded(api.patch(name, &PatchParams::apply(SCALE_MANAGER).force(), &Patch::Apply(&only))).await.map_err(failed)?;
    }
    metrics.writes.with_label_values(&[kind.as_str(), "apply"]).inc();
    let sent = with_fingerprint(object);
    let written = bounded(api.patch(name, &apply, &Patch::Apply(&sent))).await.map_err(failed)?;
    tracing::info!(kind = kind.as_str(), namespace = valid.namespace, name, "applied");
    world.children().written(&id, object, written);
    Ok(())
}

/// The number of pods of a Deployment that an autoscaler is to set from now on. A field that nobody holds goes back to its default, which is one pod; so
/// the number that there is gets a holder of its own before we let go.
fn handed_over(wanted: &Value, live: Option<&DynamicObject>) -> Option<i64> {
    let scaled = wanted["kind"] == "Deployment" && wanted["spec"].get("replicas").is_none();
    live.filter(|_| scaled)?.data["spec"]["replicas"].as_i64()
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
