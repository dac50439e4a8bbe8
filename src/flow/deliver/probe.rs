//! Leave to probe an endpoint: of all routers one has it at a time.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::store::Store;

/// Until then other routers have heard how a probe ended.
pub(super) const HEARD: SignedDuration = SignedDuration::from_secs(1);

/// Gives leave to probe.
#[async_trait]
pub trait Probes: Send + Sync {
    /// Whether `probe` may probe the endpoint until then, as [`Store::probe`] has it. `until` = `now` gives leave back.
    async fn allow(&self, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> bool;
}

/// Leave as the routers' store gives it.
pub struct ByStore(pub Arc<dyn Store>);

#[async_trait]
impl Probes for ByStore {
    /// Without the store nobody may; leave that could not be given back ends by itself.
    async fn allow(&self, endpoint: &str, probe: &str, until: Timestamp, now: Timestamp) -> bool {
        self.0.probe(endpoint, probe, until, now).await.unwrap_or_else(|error| {
            tracing::warn!(endpoint, %error, "who probes the endpoint could not be settled with the other routers");
            false
        })
    }
}
