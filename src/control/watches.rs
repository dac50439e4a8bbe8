//! The watch of the Leases of all pods.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::runtime::watcher;
use kube::{Client, ResourceExt};

use super::world::World;
use crate::cluster::lease::EXCHANGE;
use crate::cluster::scope::{Scope, api};
use crate::cluster::watching::watching;
use crate::flow::ports::Clock;

/// Follows the Leases of all ingest and router pods. Returns only when something is wrong.
pub async fn leases(client: Client, scope: Scope, world: Arc<World>, clock: Arc<dyn Clock>) -> &'static str {
    let streams = scope.parts().into_iter().map(|part| {
        let ours = watcher::Config::default().labels(EXCHANGE);
        watching(api::<Lease>(&client, part.as_deref()), ours).map(move |event| (part.clone(), event)).boxed()
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
