//! The store is away, and there is a spool.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::StatusCode;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::house::{House, Reply};
use super::memory::Memory;
use crate::flow::ports::StillClock;
use crate::lead::LeadId;
use crate::ops::metrics::Metrics;
use crate::roles::spooling::Spooling;
use crate::store::group::Group;
use crate::store::spool::Spool;
use crate::store::spool::drain::LeftBehind;

struct Spooled {
    house: House,
    spool: Spool,
    folder: TempDir,
    /// Ends the draining.
    end: CancellationToken,
    drain: JoinHandle<Result<(), LeftBehind>>,
}

impl Spooled {
    fn new(patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, metrics) = (Memory::new(), Arc::new(Metrics::new().unwrap()));
        let clock = Arc::new(StillClock::at("2026-11-22T10:00:00Z".parse().unwrap()));
        let (spool, _) = Spool::open(folder.path(), 1 << 20, Arc::clone(&metrics), clock).unwrap();
        let (group, _) = Group::new(store.clone(), metrics, 1);
        let end = CancellationToken::new();
        let drain = tokio::spawn(spool.drain(store.clone(), patience).run(end.clone(), end.clone()));
        let house = House::over(store, Arc::new(Spooling { group, spool: spool.clone() }));
        Self { house, spool, folder, end, drain }
    }

    fn set_down(&self, down: bool) {
        self.house.store.down.store(down, Ordering::SeqCst);
    }

    async fn post(&self, number: usize) -> LeadId {
        let reply = self.house.post("once", format!(r#"{{"email":"jane-{number}@example.com"}}"#), &[]).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::ACCEPTED, "Accepted"));
        reply.lead()
    }

    async fn until_passed_by(&self) {
        let waiting = async {
            while self.spool.is_in_use() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("the store gets its leads");
    }
}

fn in_time() -> Spooled {
    Spooled::new(Duration::from_secs(60))
}

#[tokio::test]
async fn posts_are_accepted_while_the_store_is_away_and_get_there_in_order() {
    let spooled = in_time();
    let mut posted = vec![spooled.post(0).await];
    spooled.set_down(true);
    for number in 1..6 {
        posted.push(spooled.post(number).await);
    }
    assert_eq!(spooled.house.store.count(), 1);
    spooled.set_down(false);
    // This one could have gone to the store at once.
    posted.push(spooled.post(6).await);
    assert_eq!(spooled.house.store.kept(7).await, posted);
    spooled.until_passed_by().await;
    posted.push(spooled.post(7).await);
    assert_eq!(spooled.house.store.kept(8).await, posted);
    assert!(!spooled.spool.is_in_use());
}

#[tokio::test]
async fn where_a_spooled_lead_stands_can_be_asked() {
    let spooled = in_time();
    spooled.set_down(true);
    let lead = spooled.post(1).await.to_string();
    let code = |reply: Reply| (reply.status, reply.code().to_owned());
    assert_eq!(code(spooled.house.get("once", &lead).await), (StatusCode::OK, "Accepted".to_owned()));
    assert_eq!(code(spooled.house.get("web", &lead).await).0, StatusCode::SERVICE_UNAVAILABLE, "another source learns nothing of it");
    spooled.set_down(false);
    spooled.house.store.kept(1).await;
    assert_eq!(code(spooled.house.get("once", &lead).await), (StatusCode::OK, "Accepted".to_owned()));
    assert_eq!(code(spooled.house.get("web", &lead).await).0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_same_key_and_body_get_the_same_lead_while_it_waits() {
    let spooled = in_time();
    spooled.set_down(true);
    let key = &[("idempotency-key", "order-7"), ("prefer", "wait=0")];
    let (first, again) = (spooled.house.sample("web", key).await, spooled.house.sample("web", key).await);
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    let other = spooled.house.post("web", r#"{"email":"a@example.com","phone":"555-867-5309","zip":"90210"}"#, key).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    spooled.set_down(false);
    assert_eq!(spooled.house.store.kept(1).await, [first.lead()]);
    spooled.until_passed_by().await;
    assert_eq!(spooled.house.sample("web", key).await.lead(), first.lead());
    assert_eq!(spooled.house.store.count(), 1);
}

#[tokio::test]
async fn who_waits_for_the_outcome_gets_the_leads_id_when_the_wait_is_over() {
    let spooled = in_time();
    spooled.set_down(true);
    let reply = spooled.house.sample("web", &[("prefer", "wait=1")]).await;
    assert_eq!((reply.status, reply.code(), reply.header("preference-applied")), (StatusCode::ACCEPTED, "Accepted", Some("wait=1")));
}

#[tokio::test]
async fn which_of_two_equal_leads_is_the_duplicate_shows_when_they_are_drained() {
    let spooled = in_time();
    spooled.set_down(true);
    let (first, second) = (spooled.post(1).await, spooled.post(1).await);
    assert_ne!(first, second);
    spooled.set_down(false);
    spooled.until_passed_by().await;
    assert_eq!(spooled.house.get("once", &first.to_string()).await.code(), "Accepted");
    assert_eq!(spooled.house.get("once", &second.to_string()).await.code(), "Duplicate");
}

#[tokio::test]
async fn a_lead_that_the_store_refuses_is_set_aside_and_the_others_get_there() {
    let spooled = in_time();
    spooled.set_down(true);
    let posted = [spooled.post(1).await, spooled.post(2).await, spooled.post(3).await];
    spooled.house.store.refused.lock().unwrap().insert(posted[1]);
    spooled.set_down(false);
    assert_eq!(spooled.house.store.kept(2).await, [posted[0], posted[2]]);
    spooled.until_passed_by().await;
    spooled.end.cancel();
    spooled.drain.await.unwrap().unwrap();
    let names = std::fs::read_dir(spooled.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["00000000000000000001.log.damaged", "lock"]);
}

#[tokio::test]
async fn a_store_that_refuses_all_leads_gets_them_when_it_takes_them() {
    let spooled = in_time();
    spooled.set_down(true);
    let posted = [spooled.post(1).await, spooled.post(2).await];
    spooled.house.store.refused.lock().unwrap().extend(posted);
    spooled.set_down(false);
    // At least one try is made.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(spooled.spool.is_in_use());
    spooled.house.store.refused.lock().unwrap().clear();
    assert_eq!(spooled.house.store.kept(2).await, posted);
}

#[tokio::test]
async fn draining_ends_when_all_is_drained_or_with_a_word_on_what_is_left() {
    let spooled = in_time();
    spooled.set_down(true);
    spooled.post(1).await;
    spooled.end.cancel();
    spooled.set_down(false);
    spooled.drain.await.unwrap().unwrap();
    assert_eq!(spooled.house.store.count(), 1);

    let spooled = Spooled::new(Duration::ZERO);
    spooled.set_down(true);
    spooled.post(1).await;
    spooled.end.cancel();
    let left = spooled.drain.await.unwrap().unwrap_err();
    assert_eq!(left.leads, 1);
    assert!(left.to_string().contains(&spooled.folder.path().display().to_string()), "{left}");
}
