//! A client whose requests are counted.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use prometheus::IntCounterVec;

/// The same client, but `requests` counts what it asks, by the answer's code (`<error>` where none came) and the method.
pub fn counted(client: &Client, requests: &IntCounterVec) -> Client {
    let (inner, requests) = (client.clone(), requests.clone());
    let service = tower::service_fn(move |request: Request<Body>| send(inner.clone(), requests.clone(), request));
    Client::new(service, client.default_namespace())
}

async fn send(client: Client, requests: IntCounterVec, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    let method = request.method().clone();
    let answer = client.send(request).await;
    let code = answer.as_ref().map_or_else(|_| "<error>".to_owned(), |answer| answer.status().as_u16().to_string());
    requests.with_label_values(&[code.as_str(), method.as_str()]).inc();
    answer
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use prometheus::{Opts, Registry};

    use super::*;

    #[tokio::test]
    async fn requests_are_counted_by_code_and_method_whether_they_are_answered_or_not() {
        let service = tower::service_fn(|request: Request<Body>| async move {
            if request.method() == http::Method::DELETE {
                return Err(std::io::Error::other("cut off"));
            }
            let absent = r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404}"#;
            Ok(Response::builder().status(404).body(Body::from(absent.as_bytes().to_vec())).unwrap())
        });
        let registry = Registry::new();
        let opts = Opts::new("requests", "requests");
        let requests = prometheus::register_int_counter_vec_with_registry!(opts, &["code", "method"], registry).unwrap();
        let maps = Api::<ConfigMap>::default_namespaced(counted(&Client::new(service, "sales"), &requests));
        assert!(maps.get_opt("a").await.unwrap().is_none());
        assert!(maps.get_opt("b").await.unwrap().is_none());
        assert!(maps.delete("a", &Default::default()).await.is_err());
        assert_eq!(requests.with_label_values(&["404", "GET"]).get(), 2);
        assert_eq!(requests.with_label_values(&["<error>", "DELETE"]).get(), 1);
    }
}
