//! What statuses tell beside conditions: addresses and components. Pure.

use crate::api::Exchange;
use crate::api::exchange::Component;
use crate::cluster::rule::Told;
use crate::table::{Kind, ObjectRef};

/// What the status of an object tells. `exchange` is the namespace's own, `components` are its workloads.
pub fn told(object: &ObjectRef, exchange: &Exchange, namespace: &str, components: &[Component]) -> Told {
    let address = || address(exchange, namespace);
    match object.kind {
        Kind::Exchange if exchange.metadata.name.as_ref() == Some(&object.name) => {
            Told { address: address(), components: components.to_vec(), ..Told::default() }
        }
        Kind::LeadSource => {
            let url = address().map(|address| format!("{address}/v1/sources/{}/leads", object.name));
            Told { url, ..Told::default() }
        }
        _ => Told::default(),
    }
}

/// Where sources post, less the path.
fn address(exchange: &Exchange, namespace: &str) -> Option<String> {
    let name = exchange.metadata.name.as_ref()?;
    let outside = exchange.spec.ingest.expose.as_ref().and_then(|expose| expose.address());
    Some(outside.unwrap_or_else(|| format!("http://{name}-ingest.{namespace}.svc")))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn exchange(expose: Value) -> Exchange {
        let mut exchange = json!({
            "apiVersion": "leadflow.dev/v1alpha1", "kind": "Exchange", "metadata": {"name": "house"},
            "spec": {"store": {"embedded": {}}, "encryption": {"keysFrom": {"secretRef": {"name": "keys"}}}, "ingest": {}},
        });
        if !expose.is_null() {
            exchange["spec"]["ingest"]["expose"] = expose;
        }
        serde_json::from_value(exchange).unwrap()
    }

    fn url(expose: Value) -> String {
        let form = ObjectRef { kind: Kind::LeadSource, name: "form".into() };
        told(&form, &exchange(expose), "sales", &[]).url.unwrap()
    }

    #[test]
    fn a_source_posts_inside_the_cluster_until_ingest_is_exposed() {
        assert_eq!(url(json!(null)), "http://house-ingest.sales.svc/v1/sources/form/leads");
    }

    #[test]
    fn a_host_is_https_when_it_has_a_certificate_or_a_gateway() {
        let plain = json!({"ingress": {"host": "leads.example.com"}});
        assert_eq!(url(plain), "http://leads.example.com/v1/sources/form/leads");
        let tls = json!({"ingress": {"host": "leads.example.com", "tlsSecretName": "leads-tls"}});
        assert_eq!(url(tls), "https://leads.example.com/v1/sources/form/leads");
        let route = json!({"httpRoute": {"parentRefs": [{"name": "public"}], "hostnames": ["a.example.com", "b.example.com"]}});
        assert_eq!(url(route), "https://a.example.com/v1/sources/form/leads");
    }

    #[test]
    fn an_exchange_that_is_not_the_namespaces_own_has_no_address() {
        let other = ObjectRef { kind: Kind::Exchange, name: "other".into() };
        assert_eq!(told(&other, &exchange(json!(null)), "sales", &[]), Told::default());
        let own = ObjectRef { kind: Kind::Exchange, name: "house".into() };
        assert_eq!(told(&own, &exchange(json!(null)), "sales", &[]).address.unwrap(), "http://house-ingest.sales.svc");
    }
}
