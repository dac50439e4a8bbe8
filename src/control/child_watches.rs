//! Watches of the objects that Exchanges consist of. Kinds that a cluster may do without are looked for again and again, so that no restart is needed when
//! they come.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kube::core::DynamicObject;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt};

use super::build::{MANAGED_BY, MANAGER};
use super::child::{ChildId, ChildKind, Watched};
use super::world::World;
use crate::cluster::deadline::{Meaning, bounded};
use crate::cluster::watching::watching;

/// How often a kind is looked for that was not served.
const LOOK: Duration = Duration::from_secs(15);

/// Follows all objects that carry our label. Returns only when something is wrong.
pub async fn children(client: Client, world: Arc<World>) -> &'static str {
    let watches = world.child_watches().iter().cloned().map(|watch| follow(client.clone(), Arc::clone(&world), watch));
    let mut watches: FuturesUnordered<_> = watches.collect();
    watches.next().await.unwrap_or("there is nothing to watch")
}

/// Follows the objects of one watch, as long as their kind is served.
async fn follow(client: Client, world: Arc<World>, watch: Watched) -> &'static str {
    if !watch.kind.optional() {
        objects(&client, &world, &watch).await;
        return "the watches of workloads ended";
    }
    loop {
        match served(&client, watch.kind).await {
            Some(true) => objects(&client, &world, &watch).await,
            Some(false) => {}
            None => {
                tokio::time::sleep(LOOK).await;
                continue;
            }
        }
        if world.children().unserved(&watch) {
            tracing::info!(kind = watch.kind.as_str(), "the cluster does not serve a kind that is made on request; it is looked for again");
            world.stir();
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether the API server serves a kind, if it can be asked.
async fn served(client: &Client, kind: ChildKind) -> Option<bool> {
    let resource = kind.resource();
    match bounded(client.list_api_group_resources(&resource.api_version)).await {
        Ok(list) => Some(list.resources.iter().any(|served| served.name == resource.plural)),
        Err(failure) if failure.meaning() == Meaning::NotFound => Some(false),
        Err(error) => {
            tracing::warn!(kind = kind.as_str(), %error, "whether a kind is served can't be told yet");
            None
        }
    }
}

/// Follows objects until the watch ends; that of an optional kind ends when the kind is not served any more, or may not be seen.
async fn objects(client: &Client, world: &World, watch: &Watched) {
    let resource = watch.kind.resource();
    let api: Api<DynamicObject> = match &watch.part {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let ours = watcher::Config::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let mut events = watching(api, ours).boxed();
    let id =
        |object: &DynamicObject| ChildId { namespace: object.namespace().unwrap_or_default(), kind: watch.kind, name: object.name_any() };
    let mut listing: BTreeSet<(String, String)> = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => listing.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                let id = id(&object);
                listing.insert((id.namespace.clone(), id.name.clone()));
                world.children().put(id, object);
            }
            Ok(watcher::Event::InitDone) => {
                world.children().listed(watch, &std::mem::take(&mut listing));
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
            Err(error) if watch.kind.optional() && refused(&error) => return,
            Err(error) => {
                let namespace = watch.part.as_deref().unwrap_or("all");
                tracing::warn!(kind = watch.kind.as_str(), namespace, %error, "a watch failed and is tried again");
            }
        }
    }
}

/// Whether the API server does not know the kind, or does not show it to us.
fn refused(error: &watcher::Error) -> bool {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status,
        watcher::Error::WatchError(status) => status,
        _ => return false,
    };
    matches!(status.code, 403 | 404)
}
