//! Leads, reservations and settlements to begin from; and stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use leadflow::lead::attempt::FailureCause;
use leadflow::lead::decision::{
    Comparison, Inputs, KnownOwner, PassedOver, PassedOverWhy, Ranked, Scored, Stage, StandIn, TakenIn, TierTrace, Unavailable,
};
use leadflow::lead::delivery::Money;
use leadflow::lead::{Attempt, AttemptResult, Candidate, Decision, Delivery, LeadId, RecipientKey};
use leadflow::store::postgres::PostgresStore;
use leadflow::store::sqlite::SqliteStore;
use leadflow::store::*;
use uuid::Uuid;

use crate::support::postgres::Postgres;

pub type Shared = Arc<dyn Store>;

pub const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Runs a sentence on a new SQLite file.
pub async fn on_sqlite<F: Future<Output = ()>>(sentence: impl FnOnce(Shared) -> F) {
    let folder = tempfile::tempdir().unwrap();
    sentence(Arc::new(SqliteStore::open(folder.path().join("leads.db")).unwrap())).await;
}

/// Runs a sentence on a new PostgreSQL database.
pub async fn on_postgres<F: Future<Output = ()>>(sentence: impl FnOnce(Shared) -> F) {
    if crate::support::require(&[crate::support::Part::Postgres]) {
        sentence(Arc::new(new_database().await.1)).await;
    }
}

/// A new database's URL, and a store on it.
pub async fn new_database() -> (String, PostgresStore) {
    let url = Postgres::shared().await.database("store").await;
    let store = PostgresStore::connect(&url, 8).await.unwrap().0;
    (url, store)
}

/// Makes a test for each store of each sentence.
#[macro_export]
macro_rules! sentences {
    ($($(#[$note:meta])* async fn $name:ident($store:ident: Shared) $body:block)*) => {
        $($(#[$note])* async fn $name($store: $crate::given::Shared) $body)*

        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { $crate::given::on_sqlite(super::$name).await; })*
        }

        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { $crate::given::on_postgres(super::$name).await; })*
        }
    };
}

/// So many seconds after midnight of the day on which all tests happen.
pub fn at(second: i64) -> Timestamp {
    "2026-11-22T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

/// An id of version 7 that sorts by its number.
pub fn id(number: u64) -> LeadId {
    LeadId(Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0000 | u128::from(number)))
}

/// The lead of this number, which arrived in that second.
pub fn lead(number: u64) -> NewLead {
    NewLead {
        id: id(number),
        source: "site".into(),
        arrived_at: at(number as i64),
        sealed: Sealed(format!("sealed {number}").into_bytes()),
        fingerprints: Vec::new(),
        idempotency: None,
    }
}

pub fn with_print(mut lead: NewLead, print: u8, remembered_since: Option<Timestamp>) -> NewLead {
    lead.fingerprints.push(Fingerprint { hash: [print; 32], remembered_since });
    lead
}

pub fn with_key(mut lead: NewLead, key: u8, body: u8) -> NewLead {
    lead.idempotency = Some(Idempotency { key: [key; 32], body: [body; 32] });
    lead
}

pub fn ann() -> RecipientKey {
    RecipientKey::agent("ann")
}

pub fn bob() -> RecipientKey {
    RecipientKey::contract("bob", "north")
}

pub fn delivery(lead: LeadId, number: i32, recipient: RecipientKey) -> Delivery {
    Delivery {
        lead,
        number,
        recipient,
        tier: "first".into(),
        policy: "homes".into(),
        endpoint: "crm".into(),
        price: Some(Money { minor: 4_500, currency: "USD".into() }),
        exclusive: false,
    }
}

/// A place for a claimed lead's next delivery, under these windows and limits.
pub fn reservation(claimed: &Claimed, recipient: RecipientKey, windows: &[(&str, i64)]) -> Reservation {
    let number = claimed.deliveries.len() as i32 + 1;
    Reservation {
        epoch: claimed.epoch,
        holds: windows.iter().map(|(window, limit)| hold(recipient.clone(), window, 1, *limit)).collect(),
        delivery: delivery(claimed.id, number, recipient),
        request: Sealed(format!("request {number}").into_bytes()),
        turn: None,
        decisions: Vec::new(),
        at: at(100),
    }
}

/// A share of a window.
pub fn hold(recipient: RecipientKey, window: &str, amount: i64, limit: i64) -> Hold {
    Hold { recipient, window: window.into(), amount, limit, keep: false }
}

/// The same, to be kept when the delivery comes to nothing.
pub fn kept_hold(recipient: RecipientKey, window: &str, amount: i64, limit: i64) -> Hold {
    Hold { keep: true, ..hold(recipient, window, amount, limit) }
}

/// A place for a claimed lead's next delivery, with these holds.
pub fn holding(claimed: &Claimed, recipient: RecipientKey, holds: Vec<Hold>) -> Reservation {
    Reservation { holds, ..reservation(claimed, recipient, &[]) }
}

pub fn attempt(delivery: i32, number: i32, result: AttemptResult) -> Attempt {
    Attempt { delivery, number, at: at(100), millis: 42, result, status: Some(503), request_digest: "ab".repeat(32), retry_after: Some(7) }
}

pub fn no_answer() -> AttemptResult {
    AttemptResult::Ambiguous { cause: FailureCause::Timeout }
}

pub fn tried(claimed: &Claimed, attempt: Attempt) -> Tried {
    Tried { lead: claimed.id, epoch: claimed.epoch, attempt, now: at(101) }
}

pub fn settlement(claimed: &Claimed, end: Option<(i32, DeliveryState)>, then: Then) -> Settlement {
    Settlement {
        lead: claimed.id,
        epoch: claimed.epoch,
        now: at(200),
        delivery: end.map(|(number, state)| DeliveryEnd {
            number,
            state,
            record_id: (state == DeliveryState::Accepted).then(|| format!("crm-{number}")),
            owner_keys: Vec::new(),
            attempt: None,
        }),
        decisions: Vec::new(),
        then,
    }
}

/// A decision with everything in it, and numbers that are hard to write down.
pub fn decision(lead: LeadId, floor: i64) -> Decision {
    Decision {
        lead,
        rules: "abc".into(),
        inputs: Inputs {
            now: at(5) + SignedDuration::from_nanos(123_456_789),
            tried: vec![bob()],
            taken: vec![TakenIn { tier: "first".into(), exclusive: true }],
            owners: vec![KnownOwner { field: "contact.email".into(), recipient: ann(), at: at(3) }],
            hints_ignored: true,
            read: vec![floor, i64::MAX, i64::MIN, 0],
            unavailable: BTreeMap::from([("crm".into(), Unavailable { until: Some(at(9)), hint: true })]),
        },
        policy: Some("homes".into()),
        passed_over: vec![PassedOver { policy: "cars".into(), why: PassedOverWhy::ConditionFalse }],
        tiers: vec![TierTrace {
            tier: "first".into(),
            method: "score".into(),
            used: true,
            members: 2,
            left: 1,
            stand_ins: vec![StandIn { absent: bob(), stands_in: ann() }],
            comparison: Some(Comparison { exclusive: Some(9500), shared: 9000 }),
            waits_for: Some(bob()),
            stages: vec![Stage { name: "accepts location.zip".into(), removed: 1 }],
            ranked: [0.1 + 0.2, 1.0 / 3.0, -5e-324, 123_456_789.123_456_78, f64::MAX]
                .map(|value| Ranked { recipient: ann(), value, error: Some("é\u{1f600}\"\\".into()) })
                .into(),
        }],
        candidates: vec![Candidate { recipient: ann(), tier: "first".into(), endpoint: "crm".into(), price: None, exclusive: true }],
        shadow: true,
        score: Some(Scored { points: 60, grade: Some("A".into()), fired: vec!["rich".into()] }),
        unmatched: None,
        retry_at: Some(at(77)),
    }
}

/// Keeps leads of these numbers.
pub async fn kept(store: &Shared, numbers: impl IntoIterator<Item = u64>) {
    let leads: Vec<NewLead> = numbers.into_iter().map(lead).collect();
    let answers = store.append(leads).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Appended::New));
}

/// Claims all that is due in this second.
pub async fn claimed(store: &Shared, second: i64) -> Vec<Claimed> {
    store.claim("router", 1_000, LEASE, at(second)).await.unwrap()
}

/// Keeps one lead and claims it.
pub async fn one_claimed(store: &Shared, number: u64) -> Claimed {
    kept(store, [number]).await;
    let mut claimed = claimed(store, 50).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

pub async fn reserved(store: &Shared, reservation: Reservation) -> Reserved {
    store.reserve(vec![reservation]).await.unwrap().remove(0)
}

pub async fn settled(store: &Shared, settlement: Settlement) -> bool {
    store.settle(vec![settlement]).await.unwrap()[0]
}

/// How many places of a recipient are used in a window.
pub async fn used(store: &Shared, recipient: &RecipientKey, window: &str) -> i64 {
    let used = store.used(at(300)).await.unwrap();
    used.iter().filter(|used| used.recipient == *recipient && used.window == window).map(|used| used.count).sum()
}
