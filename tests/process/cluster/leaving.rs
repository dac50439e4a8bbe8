//! A router that is told to go.

use std::time::Duration;

use kube::api::ListParams;

use super::asking::lead;
use super::house::{FORM, House};
use super::objects::{api, until};
use crate::support::receiver::Reply;
use crate::support::{Part, require};

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_is_told_to_end_finishes_what_it_has_and_takes_its_lease_away() {
    if !require(&[Part::ApiServer, Part::ControllerManager, Part::Postgres]) {
        return;
    }
    let mut house = House::small().await;
    let leases = api(&house.client, &house.namespace, "coordination.k8s.io/v1/Lease");
    assert_eq!(leases.list(&ListParams::default()).await.unwrap().items.len(), 3, "one of each pod");
    house.receiver.script("/first", [Reply::accept().after(Duration::from_secs(2))]);
    for number in 0..40 {
        assert_eq!(house.post(&FORM, &lead(number)).await.status, 202);
    }
    // Both have leads under way now.
    house.receiver.wait_for_requests(40, Duration::from_secs(20)).await;
    let leaving = house.routers.remove(0);
    let name = format!("leadflow-{}", leaving.name);
    assert!(house.metrics(&leaving).await["leadflow_leads_in_flight"] > 0.0);
    leaving.delete().await;
    until(&leases, &name, "the Lease is gone", |object| object.is_none()).await;
    // A lead that it had dropped would come again, from the other router.
    assert_eq!(house.post(&FORM, &lead(100)).await.status, 202);
    house.receiver.wait_for_accepted(41, Duration::from_secs(20)).await;
    assert_eq!(house.receiver.seen().len(), 41, "each lead was sent once");
    house.until_programmed("Agent", "anna").await;
    assert_eq!(leases.list(&ListParams::default()).await.unwrap().items.len(), 2);
}
