//! Eight routers at once, at random: no limit is ever exceeded, what is used is what is held, and what was given back leaves nothing behind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use leadflow::lead::{LeadId, RecipientKey, UnmatchedReason};
use leadflow::store::postgres::PostgresStore;
use leadflow::store::sqlite::SqliteStore;
use leadflow::store::*;

use crate::given::*;
use crate::support::postgres::Postgres;
use crate::support::{Part, require};

const ROUTERS: u64 = 8;
const LEADS: u64 = 60;
const ROUNDS: usize = 25;

/// Chance that is the same at each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn recipients() -> [RecipientKey; 3] {
    [ann(), bob(), RecipientKey::agent("eve")]
}

/// By count, by money, by weight, and by what was sent.
fn holds(recipient: &RecipientKey, chance: &mut Chance) -> Vec<Hold> {
    let price = 1_000 + chance.below(4_000) as i64;
    let mut holds = vec![
        hold(recipient.clone(), "day:2026-11-22", 1, 12),
        hold(recipient.clone(), "week:2026-11-16/spend", price, 25_000),
        hold(recipient.clone(), "open/weight", 1 + chance.below(3) as i64, 9),
        kept_hold(recipient.clone(), "month:2026-11/sent", 1, 30),
        kept_hold(recipient.clone(), "total/sent-spend", price, 100_000),
    ];
    holds.rotate_left(chance.below(5) as usize);
    holds
}

fn limit(window: &str) -> i64 {
    let limits = holds(&ann(), &mut Chance(0));
    limits.into_iter().find(|hold| hold.window == window).unwrap().limit
}

type Sums = BTreeMap<(String, String), i64>;

/// The tables of places, read past the store: what is used, what is held, and what is held by deliveries that are not open.
enum Tables {
    File(PathBuf),
    Database(String),
}

const USED: &str = "SELECT 'used', recipient, cap_window, held FROM usage WHERE held <> 0";
const HELD: &str = "SELECT 'held', recipient, cap_window, CAST(sum(amount) AS bigint) FROM holds GROUP BY recipient, cap_window";
const WRONG: &str = "SELECT 'wrong', h.recipient, h.cap_window, CAST(count(*) AS bigint) FROM holds h
     JOIN deliveries d ON d.lead = h.lead AND d.number = h.number JOIN leads l ON l.id = h.lead
     WHERE (NOT h.keep AND d.state IN ('refused', 'failed')) OR (l.state = 'closed' AND h.cap_window LIKE 'open%')
     GROUP BY h.recipient, h.cap_window";

impl Tables {
    /// All three in one statement, and so of one moment.
    async fn read(&self) -> Vec<(String, (String, String), i64)> {
        let statement = format!("{USED} UNION ALL {HELD} UNION ALL {WRONG}");
        match self {
            Self::File(path) => {
                let connection = rusqlite::Connection::open(path).unwrap();
                let mut statement = connection.prepare(&statement).unwrap();
                let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?), row.get(3)?))).unwrap();
                rows.map(|row| row.unwrap()).collect()
            }
            Self::Database(url) => {
                let client = crate::support::postgres::connect(url).await.unwrap();
                let rows = client.query(&statement, &[]).await.unwrap();
                rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)), row.get(3))).collect()
            }
        }
    }

    /// What is used, when it is within the limits and equal to what is held.
    async fn check(&self) -> Sums {
        let rows = self.read().await;
        let of = |kind: &str| -> Sums {
            rows.iter().filter(|(is, _, sum)| is == kind && *sum != 0).map(|(_, place, sum)| (place.clone(), *sum)).collect()
        };
        let used = of("used");
        assert_eq!(used, of("held"));
        assert!(of("wrong").is_empty(), "{:?}", of("wrong"));
        for ((_, window), sum) in &used {
            assert!(*sum >= 0 && *sum <= limit(window), "{window}: {sum}");
        }
        used
    }
}

/// What the routers share.
struct Shift {
    now: AtomicI64,
    /// Whether far sides take leads.
    accepts: bool,
}

/// One router at random: it claims, reserves, settles, closes and wakes; it may come too late, and forget what it has in hand.
async fn router(store: Shared, shift: Arc<Shift>, number: u64) {
    let mut chance = Chance(number);
    let mut delivered: Vec<LeadId> = Vec::new();
    for _ in 0..ROUNDS {
        let now = shift.now.fetch_add(chance.below(12) as i64, Ordering::SeqCst);
        let mut claimed = store.claim(&number.to_string(), 6, LEASE, at(now)).await.unwrap();
        claimed.retain(|_| chance.below(5) > 0);
        let (open, free): (Vec<_>, Vec<_>) =
            claimed.into_iter().partition(|claimed| claimed.deliveries.last().is_some_and(|kept| kept.state == DeliveryState::Open));
        let asked: Vec<Reservation> = free
            .iter()
            .map(|claimed| {
                let recipient = recipients()[chance.below(3) as usize].clone();
                holding(claimed, recipient.clone(), holds(&recipient, &mut chance))
            })
            .collect();
        let answers = store.reserve(asked).await.unwrap();
        if chance.below(4) == 0 {
            // The others may take these over in between.
            shift.now.fetch_add(40, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        let mut ends: Vec<Settlement> = Vec::new();
        for (claimed, answer) in open.iter().map(|claimed| (claimed, None)).chain(free.iter().zip(answers.iter().map(Some))) {
            let open = match answer {
                None => claimed.deliveries.len() as i32,
                Some(Reserved::Held { .. }) => claimed.deliveries.len() as i32 + 1,
                Some(_) => 0,
            };
            if chance.below(6) > 0 {
                ends.push(end(claimed, open, &mut chance, shift.accepts));
            }
        }
        let held = store.settle(ends.clone()).await.unwrap();
        let done = ends.iter().zip(held).filter(|(end, held)| *held && end.then == Then::Delivered);
        delivered.extend(done.map(|(end, _)| end.lead));
        if chance.below(3) == 0
            && let Some(lead) = delivered.pop()
        {
            assert!(store.close(lead, at(now)).await.unwrap());
        }
        if chance.below(5) == 0 {
            store.wake(&[], chance.below(20) as usize, at(now)).await.unwrap();
        }
    }
}

fn end(claimed: &Claimed, open: i32, chance: &mut Chance, accepts: bool) -> Settlement {
    let left = Then::Unmatched { reason: UnmatchedReason::CapsReached, rules: "a".into(), retry_at: None };
    let state = match chance.below(4) {
        0 | 1 if accepts => DeliveryState::Accepted,
        2 => DeliveryState::Failed,
        _ => DeliveryState::Refused,
    };
    let then = match (open > 0, state, chance.below(3)) {
        (true, DeliveryState::Accepted, _) => Then::Delivered,
        (_, _, 0) => left,
        (_, _, 1) => Then::Park { until: at(0) },
        _ => Then::Continue,
    };
    settlement(claimed, (open > 0).then_some((open, state)), then)
}

/// Brings all leads to an end and closes those that are delivered.
async fn tidy_up(store: &Shared, shift: &Shift) {
    let now = shift.now.load(Ordering::SeqCst) + 10_000;
    store.wake(&[], usize::MAX, at(now)).await.unwrap();
    for claimed in store.claim("last", 1_000, LEASE, at(now)).await.unwrap() {
        let open = claimed.deliveries.last().filter(|kept| kept.state == DeliveryState::Open).map(|kept| kept.delivery.number);
        let then = Then::Unmatched { reason: UnmatchedReason::AllRefused, rules: "a".into(), retry_at: None };
        assert!(settled(store, settlement(&claimed, open.map(|number| (number, DeliveryState::Refused)), then)).await);
    }
    for number in 0..LEADS {
        store.close(id(number), at(now)).await.unwrap();
    }
}

async fn eight_at_once(stores: Vec<Shared>, tables: Tables, accepts: bool) {
    kept(&stores[0], 0..LEADS).await;
    let shift = Arc::new(Shift { now: AtomicI64::new(100), accepts });
    let over = Arc::new(AtomicBool::new(false));
    let routers: Vec<_> = (0..ROUTERS).map(|number| tokio::spawn(router(stores[number as usize].clone(), shift.clone(), number))).collect();
    let watcher = {
        let over = over.clone();
        tokio::spawn(async move {
            let mut looks = 0;
            while !over.load(Ordering::SeqCst) {
                tables.check().await;
                looks += 1;
            }
            (tables, looks)
        })
    };
    for router in routers {
        router.await.unwrap();
    }
    over.store(true, Ordering::SeqCst);
    let (tables, looks) = watcher.await.unwrap();
    assert!(looks > 5, "only {looks} looks");
    let accepted: Vec<RecipientKey> = accepted(&stores[0]).await;
    assert_eq!(accepts, !accepted.is_empty());
    tidy_up(&stores[0], &shift).await;
    let left = tables.check().await;
    let counted = |kind: &str| left.iter().filter(|((_, window), _)| window.starts_with(kind)).map(|(_, sum)| *sum).sum::<i64>();
    assert_eq!((counted("open"), counted("day")), (0, accepted.len() as i64));
    if !accepts {
        assert!(left.keys().all(|(_, window)| window.contains("/sent")), "{left:?}");
    }
    assert!(counted("month") > accepted.len() as i64, "some were sent in vain");
}

/// Who accepted, once for each lead.
async fn accepted(store: &Shared) -> Vec<RecipientKey> {
    let outcomes = store.outcomes((0..LEADS).map(id).collect()).await.unwrap();
    outcomes
        .into_iter()
        .flat_map(|outcome| {
            let taken = outcome.unwrap().taken_by;
            assert!(taken.len() <= 1, "an exclusive lead is with {taken:?}");
            taken.into_iter().map(|taken| taken.recipient)
        })
        .collect()
}

async fn on_a_file(accepts: bool) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("leads.db");
    let store: Shared = Arc::new(SqliteStore::open(&path).unwrap());
    eight_at_once(vec![store; ROUTERS as usize], Tables::File(path), accepts).await;
}

async fn on_a_database(accepts: bool) {
    if !require(&[Part::Postgres]) {
        return;
    }
    let url = Postgres::shared().await.database("contention").await;
    let mut stores: Vec<Shared> = Vec::new();
    for _ in 0..ROUTERS {
        stores.push(Arc::new(PostgresStore::connect(&url, 2).await.unwrap().0));
    }
    eight_at_once(stores, Tables::Database(url), accepts).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_routers_exceed_no_limit_on_sqlite() {
    on_a_file(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_routers_leave_no_residue_of_refusals_on_sqlite() {
    on_a_file(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_routers_exceed_no_limit_on_postgres() {
    on_a_database(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_routers_leave_no_residue_of_refusals_on_postgres() {
    on_a_database(false).await;
}
