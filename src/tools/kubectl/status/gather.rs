//! Asks the cluster all that one screen tells. What may not be read is left out, with a note.

use serde_json::Value;

use super::view::{Gathered, Pod};
use crate::tools::kubectl::cluster::{Cluster, ClusterError};
use crate::tools::kubectl::object::name;
use crate::tools::kubectl::places::{admin_of, ours, part_of, theirs};
use crate::tools::kubectl::samples::Samples;

/// The operator's Lease.
const LEASE: &str = "leadflow-operator";

/// All that is known of an Exchange and its namespace. Our own kinds must be readable; the rest is optional.
pub async fn gather(cluster: &Cluster, namespace: &str, exchange: Value, operator: &str) -> Result<Gathered, ClusterError> {
    let list = async |plural: &'static str| cluster.list(&ours(Some(namespace), plural), "").await;
    let (sources, policies, endpoints, agents, buyers) =
        futures::try_join!(list("leadsources"), list("routingpolicies"), list("leadendpoints"), list("agents"), list("buyers"))?;
    let mut notes = Vec::new();
    let pods = cluster.list(&theirs("api/v1", namespace, "pods"), &part_of(name(&exchange))).await;
    let pods = pods.unwrap_or_else(|error| {
        notes.push(format!("pods can't be listed: {error}"));
        Vec::new()
    });
    let pods = futures::future::join_all(pods.into_iter().map(async |object| {
        let metrics = match admin_of(&object, "metrics") {
            Some(path) => cluster.text(&path).await.map(|text| Samples::read(&text)).map_err(|error| error.to_string()),
            None => Err("it has no port named admin".to_owned()),
        };
        Pod { object, metrics }
    }));
    let pods = pods.await;
    let lease = cluster.get(&theirs("apis/coordination.k8s.io/v1", operator, &format!("leases/{LEASE}"))).await;
    let lease = lease.map_err(|error| match error {
        ClusterError::NotFound(_) => format!("no Lease {LEASE} in namespace {operator}"),
        ClusterError::Forbidden(_) => format!("the Lease {LEASE} in namespace {operator} can't be read: forbidden"),
        other => other.to_string(),
    });
    Ok(Gathered { exchange, sources, policies, endpoints, agents, buyers, pods, lease, notes })
}
