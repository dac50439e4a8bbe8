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
    let routed = exchange.spec.ingest.expose.as_ref().is_some_and(|expose| expose.http_route.is_some());
    if routed && unserved.contains(&ChildKind::HttpRoute) {
        let message = "spec.ingest.expose.httpRoute: the cluster serves no HTTPRoute of gateway.networking.k8s.io/v1, or the operator may not \
                       see it; install the Gateway API, or give `ingress`";
        remarks.push(Remark { message: message.to_owned(), lacking: true });
    }
    remarks
}
