//! A stream of leads from inside the cluster, through the Service's own name.

use serde_json::json;

use super::commands::{apply_in, try_kubectl};
use super::house::House;
use super::objects::restricted;
use super::until;

/// A Job that posts leads.
pub struct Load<'a> {
    house: &'a House,
    name: String,
}

/// What became of its posts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Posted {
    pub acknowledged: u64,
    /// Answers other than 2xx, and posts without one.
    pub failed: u64,
    /// As the tool printed it.
    pub text: String,
}

impl<'a> Load<'a> {
    /// Begins to post so many leads at so many a second.
    pub async fn start(house: &'a House, name: &str, leads: u32, per_second: u32) -> Load<'a> {
        let arguments = [
            "load".to_owned(),
            "--anywhere".to_owned(),
            format!("--url=http://house-ingest.{}.svc/v1/sources/form/leads", house.namespace),
            "--key=form-key".to_owned(),
            "--connections=16".to_owned(),
            format!("--leads={leads}"),
            format!("--per-second={per_second}"),
        ];
        let mut pod = restricted(name, &house.site.image);
        pod["containers"][0]["args"] = json!(arguments);
        pod["restartPolicy"] = json!("Never");
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": {"app": name}}, "spec": pod}},
        });
        apply_in(&house.namespace, &job.to_string()).await;
        let load = Load { house, name: name.to_owned() };
        let begun = load.house.delivered().await;
        until("the first leads of the load are delivered", async || (load.house.delivered().await > begun).then_some(())).await;
        load
    }

    /// Waits for its end.
    pub async fn end(self) -> Posted {
        let job = format!("job/{}", self.name);
        // Its last line, not the Job's status: when the API server was away, others take a minute to notice that it is back.
        let text = until("the load ends", async || {
            let output = try_kubectl(&["--namespace", &self.house.namespace, "logs", "--follow", &job], "").await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.contains("acknowledged ").then_some(text)
        })
        .await;
        parse(&text)
    }
}

fn parse(text: &str) -> Posted {
    let mut posted = Posted { text: text.to_owned(), ..Posted::default() };
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            ["acknowledged", count, ..] => posted.acknowledged = count.parse().unwrap(),
            ["status", status, count] if !status.starts_with('2') => posted.failed += count.parse::<u64>().unwrap(),
            ["error", count, ..] => posted.failed += count.parse::<u64>().unwrap(),
            _ => {}
        }
    }
    posted
}
