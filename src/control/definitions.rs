//! Waits until the API server serves our kinds: an operator that came before its definitions is no reason to crash.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::runtime::conditions::is_crd_established;
use kube::runtime::wait::Condition;
use kube::{Api, Client};

use crate::api::GROUP;
use crate::api::crds::crds;
use crate::cluster::backoff::Backoff;
use crate::cluster::deadline::bounded;
use crate::flow::ports::Dice;

const BACKOFF: Backoff = Backoff { least: Duration::from_secs(1), most: Duration::from_secs(15) };

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
