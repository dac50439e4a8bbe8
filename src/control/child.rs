//! The objects that Exchanges consist of, as they are on the API server, and whether one must be written. Pure.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::ResourceExt;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta};
use serde_json::{Value, json};

use crate::api::exchange::Component;
use crate::cluster::rule::resource_version;

/// Annotation with the fingerprint of the object as it was wanted when it was last applied. It tells of fields that are wanted no more.
pub const FINGERPRINT: &str = "leadflow.dev/wanted";

/// Kinds of objects, in the order in which they are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChildKind {
    ServiceAccount,
    Role,
    RoleBinding,
    Service,
    NetworkPolicy,
    PodDisruptionBudget,
    Ingress,
    HttpRoute,
    StatefulSet,
    Deployment,
    HorizontalPodAutoscaler,
    ScaledObject,
}

impl ChildKind {
    pub const ALL: [Self; 12] = [
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::Service,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Ingress,
        Self::HttpRoute,
        Self::StatefulSet,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::ScaledObject,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceAccount => "ServiceAccount",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::Service => "Service",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::PodDisruptionBudget => "PodDisruptionBudget",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
            Self::StatefulSet => "StatefulSet",
            Self::Deployment => "Deployment",
            Self::HorizontalPodAutoscaler => "HorizontalPodAutoscaler",
            Self::ScaledObject => "ScaledObject",
        }
    }

    /// How the API server calls the kind.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
            Self::Role => ApiResource::erase::<Role>(&()),
            Self::RoleBinding => ApiResource::erase::<RoleBinding>(&()),
            Self::Service => ApiResource::erase::<Service>(&()),
            Self::PodDisruptionBudget => ApiResource::erase::<PodDisruptionBudget>(&()),
            Self::Ingress => ApiResource::erase::<Ingress>(&()),
            Self::HttpRoute => foreign("gateway.networking.k8s.io", "v1", self, "httproutes"),
            Self::NetworkPolicy => ApiResource::erase::<NetworkPolicy>(&()),
            Self::StatefulSet => ApiResource::erase::<StatefulSet>(&()),
            Self::Deployment => ApiResource::erase::<Deployment>(&()),
            Self::HorizontalPodAutoscaler => ApiResource::erase::<HorizontalPodAutoscaler>(&()),
            Self::ScaledObject => foreign("keda.sh", "v1alpha1", self, "scaledobjects"),
        }
    }

    /// Whether a cluster may do without the kind: it is not one of Kubernetes' own.
    pub fn optional(self) -> bool {
        matches!(self, Self::HttpRoute | Self::ScaledObject)
    }
}

fn foreign(group: &str, version: &str, kind: ChildKind, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind.as_str()), plural)
}

/// Names an object. Ordered by namespace first, so that those of one stand together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChildId {
    pub namespace: String,
    pub kind: ChildKind,
    pub name: String,
}

/// What one watch is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    pub kind: ChildKind,
    pub part: Option<String>,
}

impl Watched {
    fn covers(&self, namespace: &str) -> bool {
        self.part.as_ref().is_none_or(|part| part == namespace)
    }

    fn is_of(&self, id: &ChildId) -> bool {
        self.kind == id.kind && self.covers(&id.namespace)
    }
}

/// What is to be done about an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Nothing,
    /// It is not there, or not ours: take nothing from anybody.
    Create,
    /// It is ours and differs: what we want holds.
    Mend,
    /// It belongs to an Exchange that is gone and will be collected.
    Wait,
}

/// All objects that carry our label, as last seen.
#[derive(Debug, Default)]
pub struct Children {
    live: BTreeMap<ChildId, DynamicObject>,
    /// What came of our last write where it was not what we wanted: somebody on the API server insists, and we give in until something changes.
    insisted: BTreeMap<ChildId, (String, Value)>,
    complete: BTreeSet<Watched>,
    lacking: BTreeSet<Watched>,
}

impl Children {
    /// Whether the first lists of all these watches were complete.
    pub fn complete(&self, watches: &[Watched]) -> bool {
        watches.iter().all(|watch| self.complete.contains(watch))
    }

    pub fn put(&mut self, id: ChildId, mut object: DynamicObject) {
        let version = resource_version(&object.metadata);
        let older = |known: &DynamicObject| known.uid() == object.uid() && resource_version(&known.metadata) > version;
        if !self.live.get(&id).is_some_and(older) {
            object.metadata.managed_fields = None;
            // Objects of a list come without.
            let resource = id.kind.resource();
            object.types = Some(TypeMeta { api_version: resource.api_version, kind: resource.kind });
            self.live.insert(id, object);
        }
    }

    pub fn remove(&mut self, id: &ChildId) {
        self.live.remove(id);
        self.insisted.remove(id);
    }

    /// What a watch is of is not served, or not shown to us: there are no such objects. Says whether that is news.
    pub fn unserved(&mut self, watch: &Watched) -> bool {
        self.live.retain(|id, _| !watch.is_of(id));
        let completes = self.complete.insert(watch.clone());
        self.lacking.insert(watch.clone()) || completes
    }

    /// Kinds that the cluster does not serve in a namespace.
    pub fn lacking(&self, namespace: &str) -> BTreeSet<ChildKind> {
        self.lacking.iter().filter(|watch| watch.covers(namespace)).map(|watch| watch.kind).collect()
    }

    /// A list is complete: what was not in it is gone.
    pub fn listed(&mut self, watch: &Watched, listed: &BTreeSet<(String, String)>) {
        self.lacking.remove(watch);
        self.live.retain(|id, _| !watch.is_of(id) || listed.contains(&(id.namespace.clone(), id.name.clone())));
        self.complete.insert(watch.clone());
    }

    /// Takes in what the API server made of a write.
    pub fn written(&mut self, id: &ChildId, wanted: &Value, object: DynamicObject) {
        let answer = serde_json::to_value(&object).unwrap_or_default();
        if covers(wanted, &answer) {
            self.insisted.remove(id);
        } else {
            self.insisted.insert(id.clone(), (fingerprint(wanted), projected(wanted, &answer)));
        }
        self.put(id.clone(), object);
    }

    /// What is to be done so that an object of the Exchange with this uid is as wanted.
    pub fn need(&self, id: &ChildId, wanted: &Value, owner: &str) -> Need {
        let Some(live) = self.live.get(id) else {
            return Need::Create;
        };
        if live.owner_references().iter().any(|reference| reference.controller == Some(true) && reference.uid != owner) {
            return Need::Wait;
        }
        let fingerprint = fingerprint(wanted);
        if live.annotations().get(FINGERPRINT) != Some(&fingerprint) {
            return Need::Mend;
        }
        let live = serde_json::to_value(live).unwrap_or_default();
        let insisted = |known: &(String, Value)| *known == (fingerprint, projected(wanted, &live));
        if covers(wanted, &live) || self.insisted.get(id).is_some_and(insisted) { Need::Nothing } else { Need::Mend }
    }

    /// The object as it is.
    pub fn live(&self, id: &ChildId) -> Option<&DynamicObject> {
        self.live.get(id)
    }

    /// Objects of the Exchange with this uid, with their own uids.
    pub fn owned(&self, namespace: &str, owner: &str) -> Vec<(ChildId, Option<String>)> {
        let ours = |(id, object): &(&ChildId, &DynamicObject)| {
            id.namespace == namespace && object.owner_references().iter().any(|reference| reference.uid == owner)
        };
        self.live.iter().filter(ours).map(|(id, object)| (id.clone(), object.uid())).collect()
    }

    /// The workloads of the Exchange with this uid, in the order of their names, as far as their objects tell.
    pub fn components(&self, namespace: &str, exchange: &str, owner: &str) -> Vec<Component> {
        let workload = |kind| matches!(kind, ChildKind::Deployment | ChildKind::StatefulSet);
        let workloads = self.owned(namespace, owner).into_iter().filter(|(id, _)| workload(id.kind));
        let mut components: Vec<_> = workloads.filter_map(|(id, _)| Some(component(self.live.get(&id)?, &id.name, exchange))).collect();
        components.sort_by(|a, b| a.name.cmp(&b.name));
        components
    }
}

fn component(object: &DynamicObject, name: &str, exchange: &str) -> Component {
    let count = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_i64).and_then(|n| i32::try_from(n).ok());
    let status = |pointer: &str| count(pointer).unwrap_or_default();
    let (ready, desired) = (status("/status/readyReplicas"), count("/spec/replicas").unwrap_or(1));
    // Until its controller has seen a change, the status speaks of what was before.
    let seen = object.data.pointer("/status/observedGeneration").and_then(Value::as_i64) >= object.metadata.generation;
    let image = object.data.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
    Component {
        name: name.strip_prefix(&format!("{exchange}-")).unwrap_or(name).to_owned(),
        ready,
        desired,
        updated: if seen { status("/status/updatedReplicas") } else { 0 },
        summary: format!("{ready}/{desired}"),
        programmed: String::new(),
        revision: None,
        version: image.unwrap_or_default().to_owned(),
    }
}

/// The object with its fingerprint, as it is sent.
pub fn with_fingerprint(wanted: &Value) -> Value {
    let mut object = wanted.clone();
    object["metadata"]["annotations"][FINGERPRINT] = json!(fingerprint(wanted));
    object
}

/// Sixteen digits of a hash. Keys of a `Value` are in order, so equal objects have equal texts.
fn fingerprint(wanted: &Value) -> String {
    let hash = blake3::hash(wanted.to_string().as_bytes());
    hash.to_hex().as_str()[..16].to_owned()
}

/// Whether all that is wanted is there. What the API server adds by itself does not matter.
fn covers(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            wanted.iter().all(|(key, wanted)| live.get(key).is_some_and(|live| covers(wanted, live)))
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| covers(wanted, live))
        }
        _ => wanted == live,
    }
}

/// The part of `live` that `wanted` speaks of.
fn projected(wanted: &Value, live: &Value) -> Value {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            let both = wanted.iter().filter_map(|(key, wanted)| Some((key.clone(), projected(wanted, live.get(key)?))));
            Value::Object(both.collect())
        }
        (Value::Array(wanted), Value::Array(live)) if wanted.len() == live.len() => {
            wanted.iter().zip(live).map(|(wanted, live)| projected(wanted, live)).collect()
        }
        _ => live.clone(),
    }
}

#[cfg(test)]
#[path = "child_tests.rs"]
mod tests;
