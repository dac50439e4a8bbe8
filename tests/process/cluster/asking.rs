//! Posting leads to ingest, and asking pods' admin ports.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::house::House;
use super::kubelet::Pod;

/// What ingest said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn lead(&self) -> String {
        self.body["leadId"].as_str().unwrap_or_else(|| panic!("no lead in {self:?}")).to_owned()
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// One post. Everything but the body has a usual value.
pub struct Post<'a> {
    pub source: &'a str,
    pub key: &'a str,
    /// Seconds to wait for the outcome; 0 asks for none.
    pub wait: u32,
}

impl House<'_> {
    /// Posts to the first ingest pod, and panics when there is no answer.
    pub async fn post(&self, post: &Post<'_>, body: &Value) -> Answer {
        self.try_post(post, body).await.expect("ingest answers")
    }

    pub async fn try_post(&self, post: &Post<'_>, body: &Value) -> Result<Answer, reqwest::Error> {
        let url = self.ingest[0].url("http", &format!("/v1/sources/{}/leads", post.source));
        let mut request = self.http.post(url).header("x-api-key", post.key).json(body);
        if post.wait > 0 {
            request = request.header("prefer", format!("wait={}", post.wait));
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: answer.json().await? })
    }

    /// Everything on record of a lead, or of `latest`, as a router tells it.
    pub async fn explanation(&self, router: &Pod, lead: &str) -> Value {
        let url = router.url("admin", &format!("/leads/{lead}/explanation"));
        let answer = self.http.get(url).send().await.expect("the router answers");
        assert_eq!(answer.status(), 200, "{lead}: {}", answer.text().await.unwrap_or_default());
        answer.json().await.expect("an explanation is JSON")
    }

    /// A pod's metrics, by name and labels as they are written.
    pub async fn metrics(&self, pod: &Pod) -> BTreeMap<String, f64> {
        let answer = self.http.get(pod.url("admin", "/metrics")).send().await.expect("the admin port answers");
        let text = answer.text().await.expect("metrics are text");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')).map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
    }

    /// The digest of the rules that a pod goes by.
    pub async fn digest(&self, pod: &Pod) -> String {
        let metrics = self.metrics(pod).await;
        let mut running = metrics.iter().filter(|(name, value)| name.starts_with("leadflow_rules_info{") && **value == 1.0);
        let name = running.next().map(|(name, _)| name.clone()).unwrap_or_default();
        assert!(running.next().is_none(), "one set of rules is in force");
        name.split('"').nth(1).unwrap_or_default().to_owned()
    }
}

/// A lead of the small house, unlike any other of this number.
pub fn lead(number: usize) -> Value {
    json!({"contact": {"first_name": "Pat", "last_name": "Example", "email": format!("pat-{number}@example.com"), "phone": format!("310-555-{:04}", number % 10_000)}})
}
