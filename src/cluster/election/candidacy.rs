//! What a candidate does about the Lease as it was last seen. Pure: instants and times are passed in.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use tokio::time::Instant;

use super::{HELD, LEASE};

/// One candidate's view.
#[derive(Debug)]
pub struct Candidacy {
    namespace: String,
    identity: String,
    known: Option<Known>,
}

#[derive(Debug)]
struct Known {
    lease: Lease,
    /// When it was first seen as it is.
    since: Instant,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Deed {
    /// There is none: the first to make it leads.
    Create(Box<Lease>),
    /// It is ours, free or lapsed. Carries the version that was seen, so that of two who try one fails.
    Replace(Box<Lease>),
    /// Somebody else leads.
    Wait,
}

impl Candidacy {
    /// `identity` must be of one process alone.
    pub fn new(namespace: &str, identity: &str) -> Self {
        Self { namespace: namespace.to_owned(), identity: identity.to_owned(), known: None }
    }

    /// Takes in the Lease as it was read or written.
    pub fn see(&mut self, lease: Option<Lease>, at: Instant) {
        self.known = lease.map(|lease| {
            let same = self.known.take().filter(|known| known.lease.metadata.resource_version == lease.metadata.resource_version);
            Known { lease, since: same.map_or(at, |known| known.since) }
        });
    }

    /// Whether the Lease, as last seen, names us.
    pub fn is_holder(&self) -> bool {
        self.known.as_ref().is_some_and(|known| holder(&known.lease) == Some(self.identity.as_str()))
    }

    /// What is to be done `at` this instant; `now` is the time that goes into the Lease.
    pub fn deed(&self, at: Instant, now: Timestamp) -> Deed {
        let Some(known) = &self.known else {
            return Deed::Create(Box::new(self.lease(None, now)));
        };
        let free = match holder(&known.lease) {
            None => true,
            Some(holder) => holder == self.identity || at.saturating_duration_since(known.since) >= held(&known.lease),
        };
        if free { Deed::Replace(Box::new(self.lease(Some(&known.lease), now))) } else { Deed::Wait }
    }

    /// The Lease given back, if it is ours to give.
    pub fn released(&self, now: Timestamp) -> Option<Lease> {
        let known = self.known.as_ref().filter(|_| self.is_holder())?;
        let mut lease = known.lease.clone();
        let spec = lease.spec.get_or_insert_default();
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(now));
        Some(lease)
    }

    /// The Lease as ours. What others put on it stays.
    fn lease(&self, before: Option<&Lease>, now: Timestamp) -> Lease {
        let metadata = before.map_or_else(
            || ObjectMeta { name: Some(LEASE.to_owned()), namespace: Some(self.namespace.clone()), ..ObjectMeta::default() },
            |lease| lease.metadata.clone(),
        );
        let spec = before.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let ours = spec.holder_identity.as_deref() == Some(self.identity.as_str());
        let transitions = spec.lease_transitions.unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(HELD.as_secs()).ok(),
            acquire_time: spec.acquire_time.clone().filter(|_| ours).or(Some(MicroTime(now))),
            lease_transitions: Some(if ours || before.is_none() { transitions } else { transitions.saturating_add(1) }),
            renew_time: Some(MicroTime(now)),
            ..spec
        };
        Lease { metadata, spec: Some(spec) }
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long the Lease says that it holds.
fn held(lease: &Lease) -> Duration {
    let seconds = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
    seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(HELD, Duration::from_secs)
}
