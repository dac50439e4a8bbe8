//! The Lease by which a pod says which rules it runs.
//!
//! It is named `leadflow-<pod>`, carries the digest of the rules as an annotation, and belongs to the pod, so that it goes with it. The operator
//! compares the digests with its own: a policy is `Programmed` when all agree.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::deadline::{Failure, Meaning, bounded};
use crate::flow::ports::Clock;
use crate::table::duty::Duty;

/// Annotation with the digest of the rules that a pod runs.
pub const DIGEST: &str = "leadflow.dev/rules-digest";
/// Label with the name of the Exchange that a pod belongs to.
pub const EXCHANGE: &str = "leadflow.dev/exchange";
/// Label with the role of a pod.
pub const COMPONENT: &str = "leadflow.dev/component";
/// How long a Lease is held without a renewal.
pub const HELD: Duration = Duration::from_secs(30);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// How soon a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Whose Lease it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub namespace: String,
    /// Name of the pod, or whatever the process goes by.
    pub pod: String,
    /// The pod's uid, where known: the Lease goes with the pod.
    pub uid: Option<String>,
    pub exchange: String,
    pub duty: Duty,
}

impl Holder {
    pub fn lease_name(&self) -> String {
        format!("leadflow-{}", self.pod)
    }

    /// The Lease as it should be now.
    fn lease(&self, digest: &str, now: Timestamp) -> Lease {
        let labels = BTreeMap::from([
            (EXCHANGE.to_owned(), self.exchange.clone()),
            (COMPONENT.to_owned(), self.duty.to_string()),
            ("app.kubernetes.io/part-of".to_owned(), "leadflow".to_owned()),
        ]);
        let owner = self.uid.as_ref().map(|uid| OwnerReference {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            name: self.pod.clone(),
            uid: uid.clone(),
            ..OwnerReference::default()
        });
        Lease {
            metadata: ObjectMeta {
                name: Some(self.lease_name()),
                namespace: Some(self.namespace.clone()),
                labels: Some(labels),
                annotations: Some(BTreeMap::from([(DIGEST.to_owned(), digest.to_owned())])),
                owner_references: owner.map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.pod.clone()),
                lease_duration_seconds: i32::try_from(HELD.as_secs()).ok(),
                renew_time: Some(MicroTime(now)),
                ..LeaseSpec::default()
            }),
        }
    }
}

/// Keeps the Lease: at once when the digest changes, else every ten seconds. An empty digest means that no rules are loaded, and nothing is said. Ends
/// when `stop` is cancelled, and takes the Lease away; a pod that can't do so lets it expire.
pub async fn keep(client: Client, holder: Holder, mut digests: watch::Receiver<String>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let leases = Api::<Lease>::namespaced(client, &holder.namespace);
    while !stop.is_cancelled() {
        let digest = digests.borrow_and_update().clone();
        let mut pause = RENEW;
        if !digest.is_empty()
            && let Err(error) = renew(&leases, &holder, &digest, clock.now()).await
        {
            tracing::warn!(lease = holder.lease_name(), %error, "the Lease could not be renewed; it is tried again");
            pause = AGAIN;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            changed = digests.changed() => if changed.is_err() {
                // Nobody loads rules any more: the process is about to end.
                stop.cancelled().await;
            },
        }
    }
    match bounded(leases.delete(&holder.lease_name(), &DeleteParams::default())).await {
        Ok(_) => {}
        Err(failure) if failure.meaning() == Meaning::NotFound => {}
        Err(error) => tracing::warn!(lease = holder.lease_name(), %error, "the Lease could not be deleted and will expire"),
    }
}

async fn renew(leases: &Api<Lease>, holder: &Holder, digest: &str, now: Timestamp) -> Result<(), Failure> {
    let apply = PatchParams::apply(&format!("leadflow-{}", holder.duty)).force();
    let lease = holder.lease(digest, now);
    bounded(leases.patch(&holder.lease_name(), &apply, &Patch::Apply(&lease))).await.map(drop)
}
