//! What of an Exchange can't be used here, although the Exchange is valid. Pure.

use std::collections::BTreeSet;

use super::child::ChildKind;
use crate::api::Exchange;

/// A part of the Exchange that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Names the field, and what can be done.
    pub message: String,
    /// Whether something that was asked for is missing until the cluster has it.
    pub lacking: bool,
}

/// All that is to be remarked about an Exchange in a cluster that does not serve these kinds.
pub fn remarks(exchange: &Exchange, unserved: &BTreeSet<ChildKind>) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if exchange.spec.store.embedded.is_some() {
        for (field, workload) in [("spec.ingest", &exchange.spec.ingest.workload), ("spec.router", &exchange.spec.router)] {
            if workload.autoscale.is_some() || workload.replicas.is_some_and(|replicas| replicas != 1) {
                let message = format!("{field}: with the embedded store one pod does all the work; for more, give `store.postgresql`");
                remarks.push(Remark { message, lacking: false });
            }
        }
    }
    let by_queue = exchange.spec.router.autoscale.as_ref().is_some_and(|autoscale| autoscale.queue_age_seconds.is_some());
    let by_queue = by_queue && exchange.spec.store.embedded.is_none();
    if by_queue && unserved.contains(&ChildKind::ScaledObject) {
        let message = "spec.router.autoscale.queueAgeSeconds: the cluster serves no ScaledObject of keda.sh/v1alpha1, or the operator may not see \
                       it; install KEDA, or give `cpuPercent`";
        remarks.push(Remark { message: message.to_owned(), lacking: true });
    }
    let routed = exchange.spec.ingest.expose.as_ref().is_some_and(|expose| expose.http_route.is_some());
    if routed && unserved.contains(&ChildKind::HttpRoute) {
        let message = "spec.ingest.expose.httpRoute: the cluster serves no HTTPRoute of gateway.networking.k8s.io/v1, or the operator may not \
                       see it; install the Gateway API, or give `ingress`";
        remarks.push(Remark { message: message.to_owned(), lacking: true });
    }
    remarks
}
