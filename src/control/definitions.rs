//! Waits until the API server serves our kinds: an operator that came before its definitions is no reason to crash. Then looks now and then whether they are
//! as new as the program; it works with older ones as well as it can.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::Condition;
use kube::{Api, Client};

use super::outdated::outdated;
use super::world::World;
use crate::api::GROUP;
use crate::api::crds::crds;
use crate::cluster::backoff::Backoff;
use crate::cluster::deadline::bounded;
use crate::flow::ports::Dice;
use crate::ops::metrics::Metrics;
use crate::table::Kind;

const BACKOFF: Backoff = Backoff { least: Duration::from_secs(1), most: Duration::from_secs(15) };

/// How often definitions are looked at. They change with a release, and who upgrades looks at status meanwhile.
const LOOK: Duration = Duration::from_secs(10);

/// Returns when all kinds are served.
pub async fn established(client: &Client, dice: &Arc<dyn Dice>) {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    for (plural, _) in crds() {
        let name = format!("{plural}.{GROUP}");
        let mut tries = 0;
        loop {
            match bounded(definitions.get_opt(&name)).await {
                Ok(definition) if is_crd_established().matches_object(definition.as_ref()) => break,
                Ok(None) => tracing::warn!(definition = name, "waiting for a definition: apply the files of crds/"),
                Ok(Some(_)) => tracing::info!(definition = name, "waiting for the API server to serve a definition"),
                Err(error) => tracing::warn!(definition = name, %error, "waiting: a definition can't be read"),
            }
            tries += 1;
            tokio::time::sleep(BACKOFF.after(tries, dice.roll())).await;
        }
    }
}

/// Notices definitions that are older than the program.
pub async fn follow(client: &Client, world: &World, metrics: &Metrics) -> Infallible {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let ours = crds();
    let mut unread = false;
    loop {
        let mut known = world.outdated();
        let was_unread = std::mem::take(&mut unread);
        for (plural, own) in &ours {
            let kind = kind(own);
            match bounded(definitions.get_opt(&format!("{plural}.{GROUP}"))).await {
                Ok(served) => {
                    let served = served.and_then(|served| serde_json::to_value(served).ok()).unwrap_or_default();
                    match outdated(&served, own) {
                        Some(what) => drop(known.insert(kind, what)),
                        None => drop(known.remove(kind)),
                    }
                    metrics.definitions_outdated.with_label_values(&[kind]).set(i64::from(known.contains_key(kind)));
                }
                Err(error) => {
                    if !was_unread && !unread {
                        tracing::warn!(kind, %error, "definitions can't be read: what was known of them stays");
                    }
                    unread = true;
                }
            }
        }
        let before = world.outdated();
        if known != before {
            for (kind, what) in known.iter().filter(|(kind, what)| before.get(*kind) != Some(*what)) {
                tracing::warn!(
                    kind,
                    what,
                    "a definition on the API server is older than the program: apply the definitions of this release"
                );
            }
            if known.is_empty() {
                tracing::info!("all definitions are of this release");
            }
            world.set_outdated(known);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The kind that a definition of ours defines.
fn kind(definition: &serde_json::Value) -> &'static str {
    let defined = |kind: &Kind| definition["spec"]["names"]["kind"] == kind.as_str();
    Kind::ALL.into_iter().find(defined).map_or("", Kind::as_str)
}
