//! Which pods run which rules, as their Leases say. Pure: the time is passed in.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::Lease;

use crate::cluster::lease::{COMPONENT, DIGEST, EXCHANGE};
use crate::table::duty::Duty;
use crate::table::references::Role;

/// How long a Lease is kept after it lapsed. With its pod it is collected long before; this is for those that belong to none.
const KEPT: SignedDuration = SignedDuration::from_mins(10);

/// The Leases of all pods, by namespace and name.
#[derive(Debug, Default)]
pub struct Leases(BTreeMap<(String, String), Held>);

/// What one Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub exchange: String,
    pub duty: Duty,
    pub digest: String,
    version: Option<String>,
    holds: SignedDuration,
    /// When we saw it change last, by our clock: clocks of pods do not matter.
    seen: Timestamp,
}

/// How many pods run the rules in question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    pub agree: usize,
    pub of: usize,
}

impl Agreement {
    pub fn complete(self) -> bool {
        self.of > 0 && self.agree == self.of
    }
}

impl Leases {
    /// Takes in a Lease; says whether anything but its time is different.
    pub fn put(&mut self, lease: &Lease, now: Timestamp) -> bool {
        let Some((key, held)) = held(lease, now) else {
            return false;
        };
        match self.0.get(&key) {
            // A list that is read again is no renewal.
            Some(known) if known.version == held.version => false,
            Some(known) => {
                let same = (&known.digest, &known.exchange, known.duty) == (&held.digest, &held.exchange, held.duty);
                let lapsed = !known.live(now);
                self.0.insert(key, held);
                !same || lapsed
            }
            None => {
                self.0.insert(key, held);
                true
            }
        }
    }

    pub fn remove(&mut self, namespace: &str, name: &str) {
        self.0.remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// Keeps those that are among `listed`.
    pub fn keep(&mut self, listed: impl Fn(&str, &str) -> bool) {
        self.0.retain(|(namespace, name), _| listed(namespace, name));
    }

    /// Leases that lapsed long ago: namespace, name and version. A pod that comes back makes another.
    pub fn forgotten(&self, now: Timestamp) -> Vec<(String, String, Option<String>)> {
        let long_ago = |held: &Held| now.duration_since(held.seen) > held.holds + KEPT;
        let forgotten = self.0.iter().filter(|(_, held)| long_ago(held));
        forgotten.map(|((namespace, name), held)| (namespace.clone(), name.clone(), held.version.clone())).collect()
    }

    /// How many live pods of an Exchange, of these roles, run the rules with this digest.
    pub fn agreement(&self, namespace: &str, exchange: &str, roles: &[Role], digest: &str, now: Timestamp) -> Agreement {
        let mut agreement = Agreement::default();
        for ((lease_namespace, _), held) in &self.0 {
            if lease_namespace == namespace
                && held.exchange == exchange
                && roles.iter().any(|role| held.duty.plays(*role))
                && held.live(now)
            {
                agreement.of += 1;
                agreement.agree += usize::from(held.digest == digest);
            }
        }
        agreement
    }
}

impl Leases {
    /// The digests that the live pods of one workload run.
    pub fn running(&self, namespace: &str, exchange: &str, component: &str, now: Timestamp) -> Vec<&str> {
        let of = |held: &&Held| held.exchange == exchange && held.duty.as_str() == component && held.live(now);
        let here = self.0.iter().filter(|((in_namespace, _), _)| in_namespace == namespace);
        here.map(|(_, held)| held).filter(of).map(|held| held.digest.as_str()).collect()
    }
}

impl Held {
    fn live(&self, now: Timestamp) -> bool {
        now.duration_since(self.seen) <= self.holds
    }
}

fn held(lease: &Lease, now: Timestamp) -> Option<((String, String), Held)> {
    let metadata = &lease.metadata;
    let labels = metadata.labels.as_ref()?;
    let duty = Duty::ALL.into_iter().find(|duty| labels.get(COMPONENT).is_some_and(|component| component == duty.as_str()))?;
    let seconds = lease.spec.as_ref()?.lease_duration_seconds?;
    let held = Held {
        exchange: labels.get(EXCHANGE)?.clone(),
        duty,
        digest: metadata.annotations.as_ref()?.get(DIGEST)?.clone(),
        version: metadata.resource_version.clone(),
        holds: SignedDuration::from_secs(i64::from(seconds)),
        seen: now,
    };
    Some(((metadata.namespace.clone()?, metadata.name.clone()?), held))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn lease(name: &str, role: &str, digest: &str, version: &str) -> Lease {
        serde_json::from_value(json!({
            "metadata": {
                "namespace": "sales", "name": name, "resourceVersion": version,
                "labels": {"leadflow.dev/exchange": "house", "leadflow.dev/component": role},
                "annotations": {"leadflow.dev/rules-digest": digest},
            },
            "spec": {"leaseDurationSeconds": 30, "holderIdentity": name},
        }))
        .unwrap()
    }

    fn routers(leases: &Leases, digest: &str, now: Timestamp) -> (usize, usize) {
        let agreement = leases.agreement("sales", "house", &[Role::Router], digest, now);
        (agreement.agree, agreement.of)
    }

    #[test]
    fn live_pods_of_the_role_are_counted() {
        let mut leases = Leases::default();
        leases.put(&lease("a", "router", "new", "1"), at(0));
        leases.put(&lease("b", "router", "old", "2"), at(0));
        leases.put(&lease("c", "ingest", "new", "3"), at(0));
        assert_eq!(routers(&leases, "new", at(1)), (1, 2));
        assert!(!leases.agreement("sales", "house", &[Role::Router], "new", at(1)).complete());
        assert!(leases.agreement("sales", "house", &[Role::Ingest], "new", at(1)).complete());
        assert_eq!(leases.agreement("elsewhere", "house", &Role::ALL, "new", at(1)), Agreement::default());
        assert_eq!(leases.agreement("sales", "other", &Role::ALL, "new", at(1)), Agreement::default());
    }

    #[test]
    fn no_pod_is_no_agreement() {
        assert!(!Agreement { agree: 0, of: 0 }.complete());
    }

    #[test]
    fn a_lease_that_is_not_renewed_lapses_by_our_clock() {
        let mut leases = Leases::default();
        leases.put(&lease("a", "router", "new", "1"), at(0));
        leases.put(&lease("a", "router", "new", "1"), at(29));
        assert_eq!(routers(&leases, "new", at(30)), (1, 1));
        assert_eq!(routers(&leases, "new", at(31)), (0, 0));
        assert!(leases.put(&lease("a", "router", "new", "2"), at(40)), "coming back is news");
        assert_eq!(routers(&leases, "new", at(70)), (1, 1));
    }

    #[test]
    fn a_lease_that_lapsed_long_ago_is_forgotten_as_it_was_seen() {
        let mut leases = Leases::default();
        leases.put(&lease("a", "router", "new", "1"), at(0));
        leases.put(&lease("b", "router", "new", "2"), at(600));
        assert_eq!(leases.forgotten(at(630)), []);
        let a = ("sales".to_owned(), "a".to_owned(), Some("1".to_owned()));
        assert_eq!(leases.forgotten(at(631)), [a], "only this version: a renewal meanwhile saves it");
    }

    #[test]
    fn only_what_matters_is_news() {
        let mut leases = Leases::default();
        assert!(leases.put(&lease("a", "router", "new", "1"), at(0)));
        assert!(!leases.put(&lease("a", "router", "new", "2"), at(10)), "a renewal");
        assert!(leases.put(&lease("a", "router", "newer", "3"), at(11)), "another digest");
        let mut foreign = lease("x", "scheduler", "new", "4");
        assert!(!leases.put(&foreign, at(11)), "not a role of ours");
        foreign.metadata.labels = None;
        assert!(!leases.put(&foreign, at(11)), "not ours at all");
    }
}
