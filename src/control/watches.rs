//! Watches of what is not rules: the objects that Exchanges consist of, and the Leases of their pods.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::core::DynamicObject;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};

use super::build::{MANAGED_BY, MANAGER};
use super::child::{ChildId, Watched};
use super::world::World;
use crate::cluster::lease::EXCHANGE;
use crate::cluster::scope::{Scope, api};
use crate::flow::ports::Clock;

/// Follows all objects that carry our label. Returns only when something is wrong.
pub async fn children(client: Client, world: Arc<World>) -> &'static str {
    let streams = world.child_watches().iter().cloned().map(|watch| {
        let resource = watch.kind.resource();
        let api: Api<DynamicObject> = match &watch.part {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let ours = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
        watcher(api, ours).default_backoff().map(move |event| (watch.clone(), event)).boxed()
    });
    let mut events = futures::stream::select_all(streams);
    let mut listings: std::collections::BTreeMap<Watched, BTreeSet<(String, String)>> = std::collections::BTreeMap::new();
    while let Some((watch, event)) = events.next().await {
        let id = |object: &DynamicObject| ChildId {
            namespace: object.namespace().unwrap_or_default(),
            kind: watch.kind,
            name: object.name_any(),
        };
        match event {
            Ok(watcher::Event::Init) => drop(listings.insert(watch.clone(), BTreeSet::new())),
            Ok(watcher::Event::InitApply(object)) => {
                let id = id(&object);
                listings.entry(watch.clone()).or_default().insert((id.namespace.clone(), id.name.clone()));
                world.children().put(id, object);
            }
            Ok(watcher::Event::InitDone) => {
                let listed = listings.remove(&watch).unwrap_or_default();
                world.children().listed(&watch, &listed);
                world.stir();
            }
            Ok(watcher::Event::Apply(object)) => {
                world.children().put(id(&object), object);
                world.stir();
            }
            Ok(watcher::Event::Delete(object)) => {
                world.children().remove(&id(&object));
                world.stir();
            }
            Err(error) => {
                let namespace = watch.part.as_deref().unwrap_or("all");
                tracing::warn!(kind = watch.kind.as_str(), namespace, %error, "a watch failed and is tried again");
            }
        }
    }
    "the watches of workloads ended"
}

/// Follows the Leases of all ingest and router pods. Returns only when something is wrong.
pub async fn leases(client: Client, scope: Scope, world: Arc<World>, clock: Arc<dyn Clock>) -> &'static str {
    let streams = scope.parts().into_iter().map(|part| {
        let ours = watcher::Config::default().labels(EXCHANGE);
        watcher(api::<Lease>(&client, part.as_deref()), ours).default_backoff().map(move |event| (part.clone(), event)).boxed()
    });
    let mut events = futures::stream::select_all(streams);
    let mut listings: std::collections::BTreeMap<Option<String>, BTreeSet<(String, String)>> = std::collections::BTreeMap::new();
    while let Some((part, event)) = events.next().await {
        let id = |lease: &Lease| (lease.namespace().unwrap_or_default(), lease.name_any());
        let news = match event {
            Ok(watcher::Event::Init) => {
                listings.insert(part, BTreeSet::new());
                false
            }
            Ok(watcher::Event::InitApply(lease)) => {
                listings.entry(part).or_default().insert(id(&lease));
                world.leases().put(&lease, clock.now())
            }
            Ok(watcher::Event::InitDone) => {
                let listed = listings.remove(&part).unwrap_or_default();
                let in_part = |namespace: &str| part.as_deref().is_none_or(|part| part == namespace);
                world.leases().keep(|namespace, name| !in_part(namespace) || listed.contains(&(namespace.to_owned(), name.to_owned())));
                true
            }
            Ok(watcher::Event::Apply(lease)) => world.leases().put(&lease, clock.now()),
            Ok(watcher::Event::Delete(lease)) => {
                let (namespace, name) = id(&lease);
                world.leases().remove(&namespace, &name);
                true
            }
            Err(error) => {
                tracing::warn!(namespace = part.as_deref().unwrap_or("all"), %error, "the watch of Leases failed and is tried again");
                false
            }
        };
        if news {
            world.statuses.notify_one();
        }
    }
    "the watch of Leases ended"
}
