//! How many pods run, when an autoscaler says so.

use serde_json::json;

use crate::site::house::House;
use crate::site::{Site, condition, objects, until};

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_reads_the_pods_processor_time_and_says_how_many_there_are() {
    let house = House::sized(Site::shared().await, "autoscale", 1, 1).await;
    let autoscaled = |least: u32| {
        let mut exchange = objects::exchange(1, 1);
        exchange["spec"]["ingest"] = json!({"autoscale": {"minReplicas": least, "maxReplicas": 4, "cpuPercent": 90}});
        exchange
    };
    house.apply(&[autoscaled(1)]).await;
    until("the autoscaler has a number from the metrics server", async || {
        let scaler = house.get("horizontalpodautoscalers", "house-ingest").await;
        condition(&scaler, "ScalingActive").filter(|(status, ..)| status == "True")
    })
    .await;
    house.apply(&[autoscaled(2)]).await;
    until("two pods run", async || (house.pods("ingest").await.iter().filter(|pod| pod.ready).count() == 2).then_some(())).await;
    // The operator writes the Deployment again, and leaves the number alone.
    let mut exchange = autoscaled(2);
    exchange["spec"]["ingest"]["podTemplate"] = json!({"labels": {"touched": "yes"}});
    house.apply(&[exchange]).await;
    let deployment = until("the Deployment is written again", async || {
        let deployment = house.get("deployments", "house-ingest").await;
        let labels = &deployment["spec"]["template"]["metadata"]["labels"];
        (labels["touched"] == "yes").then_some(deployment)
    })
    .await;
    assert_eq!(deployment["spec"]["replicas"], 2);
    house.ready().await;
    house.post_to("crm").await;
    house.raze().await;
}
