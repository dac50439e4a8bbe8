//! A client whose writes need the lead.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;

use super::lead::Lead;

/// Why a write was not sent, or not waited for.
#[derive(Debug, thiserror::Error)]
#[error("another operator leads")]
pub struct NotLeading;

/// The same client, but what it writes leaves only while this process leads; what is under way when the lead is lost is given up. Reads are free.
pub fn fenced(client: &Client, lead: &Lead) -> Client {
    let (inner, lead) = (client.clone(), lead.clone());
    let service = tower::service_fn(move |request: Request<Body>| send(inner.clone(), lead.clone(), request));
    Client::new(service, client.default_namespace())
}

async fn send(client: Client, mut lead: Lead, request: Request<Body>) -> Result<Response<Body>, kube::Error> {
    if request.method().is_safe() {
        return client.send(request).await;
    }
    tokio::select! {
        biased;
        () = lead.lost() => Err(kube::Error::Service(Box::new(NotLeading))),
        answer = client.send(request) => answer,
    }
}
