//! Random schedules against a plain model: places in use are always those that deliveries hold, and never more than the limit.

use std::collections::BTreeMap;

use leadflow::lead::{RecipientKey, UnmatchedReason};
use leadflow::store::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::given::*;

const LEADS: u64 = 6;
const LIMITS: [(&str, i64); 2] = [("day:2026-11-22", 3), ("open", 2)];

#[derive(Clone, Debug)]
enum Step {
    /// Time passes (leases may end) and all that is due is claimed.
    Claim {
        pass: i64,
    },
    /// Several leads ask at once; some with an old epoch.
    Reserve(Vec<(u64, bool, bool)>),
    Settle {
        lead: u64,
        end: DeliveryState,
        then: usize,
        old: bool,
    },
    Close(u64),
    Rerun,
}

fn step() -> impl Strategy<Value = Step> {
    let lead = 0..LEADS;
    let end = prop_oneof![Just(DeliveryState::Accepted), Just(DeliveryState::Refused), Just(DeliveryState::Failed)];
    prop_oneof![
        2 => (0..40_i64).prop_map(|pass| Step::Claim { pass }),
        4 => prop::collection::vec((lead.clone(), any::<bool>(), prop::bool::weighted(0.1)), 1..6).prop_map(Step::Reserve),
        4 => (lead.clone(), end, 0..4_usize, prop::bool::weighted(0.1)).prop_map(|(lead, end, then, old)| Step::Settle { lead, end, then, old }),
        1 => lead.prop_map(Step::Close),
        1 => Just(Step::Rerun),
    ]
}

/// A lead as the model has it.
#[derive(Clone, Debug, Default)]
struct Known {
    claimed: Option<Claimed>,
    open: Option<RecipientKey>,
    last: i32,
    accepted: Vec<RecipientKey>,
    delivered: bool,
    closed: bool,
}

#[derive(Default)]
struct Model {
    leads: BTreeMap<u64, Known>,
    now: i64,
    rules: u32,
}

impl Model {
    fn used(&self) -> BTreeMap<(RecipientKey, String), i64> {
        let mut used = BTreeMap::new();
        for lead in self.leads.values() {
            for (window, _) in LIMITS {
                for holder in lead.open.iter().chain(lead.accepted.iter().filter(|_| !(lead.closed && window == "open"))) {
                    *used.entry((holder.clone(), window.to_owned())).or_default() += 1;
                }
            }
        }
        used
    }

    async fn step(&mut self, store: &Shared, step: Step) {
        match step {
            Step::Claim { pass } => self.claim(store, pass).await,
            Step::Reserve(asked) => self.reserve(store, asked).await,
            Step::Settle { lead, end, then, old } => self.settle(store, lead, end, then, old).await,
            Step::Close(lead) => {
                let known = self.leads.get_mut(&lead).unwrap();
                let closes = known.delivered && !known.closed;
                assert_eq!(store.close(id(lead), at(self.now)).await.unwrap(), closes);
                known.closed |= closes;
            }
            Step::Rerun => {
                self.rules += 1;
                store.rerun(&self.rules.to_string(), at(self.now)).await.unwrap();
            }
        }
    }

    async fn claim(&mut self, store: &Shared, pass: i64) {
        self.now += pass;
        for claimed in store.claim("router", 100, LEASE, at(self.now)).await.unwrap() {
            let number = (0..LEADS).find(|number| id(*number) == claimed.id).unwrap();
            let known = self.leads.get_mut(&number).unwrap();
            assert!(!known.delivered, "a lead that is done is handed out to nobody");
            assert!(known.claimed.as_ref().is_none_or(|before| before.epoch < claimed.epoch));
            assert_eq!(claimed.deliveries.len() as i32, known.last);
            let open: Vec<_> = claimed
                .deliveries
                .iter()
                .filter(|kept| kept.state == DeliveryState::Open)
                .map(|kept| kept.delivery.recipient.clone())
                .collect();
            assert_eq!(open, known.open.iter().cloned().collect::<Vec<_>>());
            known.claimed = Some(claimed);
        }
    }

    async fn reserve(&mut self, store: &Shared, asked: Vec<(u64, bool, bool)>) {
        let mut reservations = Vec::new();
        let mut expected = Vec::new();
        for (number, to_ann, old) in asked {
            let recipient = if to_ann { ann() } else { bob() };
            let used = self.used();
            let known = self.leads.get_mut(&number).unwrap();
            let Some(claimed) = &known.claimed else { continue };
            let mut reservation = reservation(claimed, recipient.clone(), &LIMITS);
            reservation.delivery.number = known.last + 1;
            reservation.epoch -= i64::from(old);
            reservations.push(reservation);
            let full = LIMITS.into_iter().find_map(|(window, limit)| {
                let used = used.get(&(recipient.clone(), window.to_owned())).copied().unwrap_or_default();
                (used >= limit).then(|| Reserved::Full { window: window.to_owned(), used })
            });
            expected.push(if old || known.open.is_some() {
                Reserved::Lost
            } else if let Some(full) = full {
                full
            } else {
                known.open = Some(recipient);
                known.last += 1;
                Reserved::Held { turn: None }
            });
        }
        assert_eq!(store.reserve(reservations).await.unwrap(), expected);
    }

    async fn settle(&mut self, store: &Shared, number: u64, end: DeliveryState, then: usize, old: bool) {
        let rules = self.rules.to_string();
        let known = self.leads.get_mut(&number).unwrap();
        let Some(claimed) = &known.claimed else { return };
        let then = match then {
            0 => Then::Continue,
            1 => Then::Park { until: at(self.now + 10) },
            2 => Then::Unmatched { reason: UnmatchedReason::AllRefused, rules, retry_at: None },
            _ if known.open.is_some() && end == DeliveryState::Accepted || !known.accepted.is_empty() => Then::Delivered,
            _ => Then::Unmatched { reason: UnmatchedReason::CapsReached, rules, retry_at: Some(at(self.now + 20)) },
        };
        let mut settlement = settlement(claimed, known.open.is_some().then_some((known.last, end)), then.clone());
        settlement.epoch -= i64::from(old);
        assert_eq!(store.settle(vec![settlement]).await.unwrap(), [!old]);
        if old {
            return;
        }
        if let Some(recipient) = known.open.take().filter(|_| end == DeliveryState::Accepted) {
            known.accepted.push(recipient);
        }
        known.delivered |= then == Then::Delivered;
        if then != Then::Continue {
            known.claimed = None;
        }
    }
}

async fn follow(store: Shared, steps: Vec<Step>) {
    kept(&store, 0..LEADS).await;
    let mut model = Model { now: 50, ..Model::default() };
    model.leads = (0..LEADS).map(|number| (number, Known::default())).collect();
    model.claim(&store, 0).await;
    for step in steps {
        model.step(&store, step).await;
        let used: BTreeMap<_, _> =
            store.used(at(300)).await.unwrap().into_iter().map(|used| ((used.recipient, used.window), used.count)).collect();
        assert_eq!(used, model.used());
        for ((_, window), count) in used {
            assert!(LIMITS.iter().any(|(name, limit)| *name == window && count <= *limit));
        }
    }
}

fn check(cases: u32, on: impl Fn(Vec<Step>)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    runner
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            on(steps);
            Ok(())
        })
        .unwrap_or_else(|problem| panic!("{problem}"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn places_in_use_are_those_that_deliveries_hold_on_sqlite() {
    let runtime = runtime();
    check(24, |steps| runtime.block_on(on_sqlite(|store| follow(store, steps))));
}

#[test]
fn places_in_use_are_those_that_deliveries_hold_on_postgres() {
    let runtime = runtime();
    check(12, |steps| runtime.block_on(on_postgres(|store| follow(store, steps))));
}
