//! Where an Exchange's pods and Services are, and the way to them through the API server's proxy.

use std::fmt;

use serde_json::Value;

use super::cluster::{Cluster, ClusterError};
use super::object::{name, text};
use crate::api::{GROUP, VERSION};

/// A Service's port, by name, as the API server's proxy is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub port: String,
}

impl Service {
    /// The path that the API server passes on to a pod behind the Service.
    pub fn path(&self, namespace: &str, page: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/services/http:{}:{}/proxy/{page}", self.name, self.port)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service {}", self.name)
    }
}

/// Path of a list of our objects; of all namespaces when none is given.
pub fn ours(namespace: Option<&str>, plural: &str) -> String {
    match namespace {
        Some(namespace) => format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}"),
        None => format!("/apis/{GROUP}/{VERSION}/{plural}"),
    }
}

/// Path of a list of Kubernetes' own objects, such as `api/v1` `pods`.
pub fn theirs(group: &str, namespace: &str, plural: &str) -> String {
    format!("/{group}/namespaces/{namespace}/{plural}")
}

/// Query of those objects that are part of an Exchange.
pub fn part_of(exchange: &str) -> String {
    format!("&labelSelector=app.kubernetes.io/name%3Dleadflow,app.kubernetes.io/instance%3D{exchange}")
}

/// The Exchange by the name that was given, or the namespace's only one.
pub async fn exchange(cluster: &Cluster, wanted: Option<&str>) -> Result<String, ClusterError> {
    if let Some(name) = wanted {
        return Ok(name.to_owned());
    }
    let mut found = cluster.list(&ours(Some(&cluster.namespace), "exchanges"), "").await?;
    match &mut found[..] {
        [] => Err(ClusterError::NoExchange(cluster.namespace.clone())),
        [one] => Ok(name(one).to_owned()),
        many => {
            let names = many.iter().map(|each| name(each).to_owned()).collect();
            Err(ClusterError::SeveralExchanges { namespace: cluster.namespace.clone(), names })
        }
    }
}

/// The Service that leads to the routers' admin ports.
pub async fn router(cluster: &Cluster, exchange: &str) -> Result<Service, ClusterError> {
    service(cluster, exchange, "admin", "router").await
}

/// The Service that leads are posted to.
pub async fn ingest(cluster: &Cluster, exchange: &str) -> Result<Service, ClusterError> {
    service(cluster, exchange, "http", "ingest").await
}

/// Looked up by label and port name. Who may not list Services is sent to where the operator puts it.
async fn service(cluster: &Cluster, exchange: &str, port: &str, component: &str) -> Result<Service, ClusterError> {
    let usual = || Service { name: format!("{exchange}-{component}"), port: port.to_owned() };
    match cluster.list(&theirs("api/v1", &cluster.namespace, "services"), &part_of(exchange)).await {
        Ok(found) => Ok(best(&found, port, component).unwrap_or_else(usual)),
        Err(ClusterError::Forbidden(_)) => Ok(usual()),
        Err(error) => Err(error),
    }
}

/// The Service with a port of this name, of this component if there is a choice.
fn best(services: &[Value], port: &str, component: &str) -> Option<Service> {
    let has = |service: &&Value| {
        let ports = service.pointer("/spec/ports").and_then(Value::as_array);
        ports.is_some_and(|ports| ports.iter().any(|each| text(each, "/name") == port))
    };
    let of_component = |service: &&Value| self::component(service) == component;
    let found = services.iter().filter(has).find(of_component).or_else(|| services.iter().find(has))?;
    Some(Service { name: name(found).to_owned(), port: port.to_owned() })
}

/// Which workload of an Exchange an object belongs to.
pub fn component(object: &Value) -> &str {
    text(object, "/metadata/labels/app.kubernetes.io~1component")
}

/// The path of a page of a pod's admin port, when the pod has one. The proxy knows ports of pods by number alone.
pub fn admin_of(pod: &Value, page: &str) -> Option<String> {
    let containers = pod.pointer("/spec/containers")?.as_array()?;
    let mut ports = containers.iter().filter_map(|container| container.get("ports")?.as_array()).flatten();
    let port = ports.find(|port| text(port, "/name") == "admin")?.get("containerPort")?.as_u64()?;
    let (namespace, name) = (text(pod, "/metadata/namespace"), name(pod));
    Some(format!("/api/v1/namespaces/{namespace}/pods/http:{name}:{port}/proxy/{page}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(name: &str, component: &str, ports: &[&str]) -> Value {
        let ports: Vec<_> = ports.iter().map(|name| json!({"name": name, "port": 80})).collect();
        json!({"metadata": {"name": name, "labels": {"app.kubernetes.io/component": component}}, "spec": {"ports": ports}})
    }

    #[test]
    fn a_service_is_found_by_its_port_and_its_component() {
        let both = [service("house-ingest", "ingest", &["http", "admin"]), service("house-router", "router", &["admin"])];
        assert_eq!(best(&both, "admin", "router").unwrap().name, "house-router");
        assert_eq!(best(&both, "http", "ingest").unwrap().name, "house-ingest");
        let one = [service("house", "standalone", &["http", "admin"])];
        assert_eq!(
            best(&one, "admin", "router").unwrap().path("sales", "leads/1"),
            "/api/v1/namespaces/sales/services/http:house:admin/proxy/leads/1"
        );
        assert_eq!(best(&one, "other", "router"), None);
    }

    #[test]
    fn a_pod_is_reached_by_the_number_of_its_admin_port() {
        let ports = json!([{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9080}]);
        let pod =
            json!({"metadata": {"namespace": "sales", "name": "in-1"}, "spec": {"containers": [{"name": "proxy"}, {"ports": ports}]}});
        assert_eq!(admin_of(&pod, "metrics").as_deref(), Some("/api/v1/namespaces/sales/pods/http:in-1:9080/proxy/metrics"));
        assert_eq!(admin_of(&json!({"spec": {"containers": [{}]}}), "metrics"), None);
    }
}
