//! A router that is told to go.

use std::time::{Duration, Instant};

use kube::api::ListParams;

use super::asking::lead;
use super::house::{FORM, House};
use super::objects::{PATIENCE, api, until};
use crate::support::processes::POLL;
use crate::support::receiver::Reply;
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_told_to_end_finishes_what_it_has_and_takes_its_lease_away() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let mut house = House::small().await;
    let leases = api(&house.client, &house.namespace, "coordination.k8s.io/v1/Lease");
    let deadline = Instant::now() + PATIENCE;
    while leases.list(&ListParams::default()).await.unwrap().items.len() != 3 {
        assert!(Instant::now() < deadline, "there is not one Lease of each pod");
        tokio::time::sleep(POLL).await;
    }
    // Long enough for some to be under way at once, however slowly they are posted.
    house.receiver.script("/first", [Reply::accept().after(Duration::from_secs(3))]);
    let leaving = house.routers.remove(0);
    let name = format!("leadflow-{}", leaving.name);
    let mut posted = 0;
    let deadline = Instant::now() + PATIENCE;
    while house.metrics(&leaving).await["leadflow_leads_in_flight"] < 3.0 {
        assert_eq!(house.post(&FORM, &lead(posted)).await.status, 202);
        posted += 1;
        assert!(Instant::now() < deadline, "it never has leads under way");
    }
    leaving.delete().await;
    until(&leases, &name, "the Lease is gone", |object| object.is_none()).await;
    // A lead that it had dropped would come again, from the other router.
    assert_eq!(house.post(&FORM, &lead(posted)).await.status, 202);
    house.receiver.wait_for_accepted(posted + 1, PATIENCE).await;
    assert_eq!(house.receiver.seen().len(), posted + 1, "each lead was sent once");
    house.until_programmed("Agent", "anna").await;
    assert_eq!(leases.list(&ListParams::default()).await.unwrap().items.len(), 2);
}
