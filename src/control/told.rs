//! What statuses tell beside conditions: addresses and components. Pure.

use crate::api::Exchange;
use crate::api::exchange::Component;
use crate::cluster::rule::Told;
use crate::table::{Kind, ObjectRef};

/// Characters of a digest that people compare; logs have as many.
const REVISION: usize = 12;

/// The operator's own version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the status of an object tells. `exchange` is the namespace's own, `components` are its workloads.
pub fn told(object: &ObjectRef, exchange: &Exchange, namespace: &str, components: &[Component]) -> Told {
    let address = || address(exchange, namespace);
    match object.kind {
        Kind::Exchange if exchange.metadata.name.as_ref() == Some(&object.name) => {
            Told { address: address(), components: components.to_vec(), version: Some(VERSION.to_owned()), url: None }
        }
        Kind::LeadSource => {
            let url = address().map(|address| format!("{address}/v1/sources/{}/leads", object.name));
            Told { url, ..Told::default() }
        }
        _ => Told::default(),
    }
}

/// Adds to a component which rules its pods run: `running` are their digests, `now` is that of the rules as they are.
pub fn programmed(component: &mut Component, running: &[&str], now: &str) {
    let agree = running.iter().filter(|digest| **digest == now).count();
    component.programmed = format!("{agree}/{}", running.len());
    let first = running.first().filter(|first| running.iter().all(|digest| digest == *first));
    component.revision = first.map(|digest| digest.get(..REVISION).unwrap_or(digest).to_owned());
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
    fn a_component_has_a_revision_when_all_of_its_pods_run_the_same() {
        let told = |running: &[&str]| {
            let mut component = Component { name: "router".into(), ..Component::default() };
            programmed(&mut component, running, "0123456789abcdef");
            (component.programmed, component.revision)
        };
        assert_eq!(told(&["0123456789abcdef", "0123456789abcdef"]), ("2/2".into(), Some("0123456789ab".into())));
        assert_eq!(told(&["of yesterday", "of yesterday"]), ("0/2".into(), Some("of yesterday".into())));
        assert_eq!(told(&["0123456789abcdef", "of yesterday"]), ("1/2".into(), None));
        assert_eq!(told(&[]), ("0/0".into(), None));
    }

    #[test]
    fn an_exchange_that_is_not_the_namespaces_own_has_no_address() {
        let other = ObjectRef { kind: Kind::Exchange, name: "other".into() };
        assert_eq!(told(&other, &exchange(json!(null)), "sales", &[]), Told::default());
        let own = ObjectRef { kind: Kind::Exchange, name: "house".into() };
        assert_eq!(told(&own, &exchange(json!(null)), "sales", &[]).address.unwrap(), "http://house-ingest.sales.svc");
    }
}
