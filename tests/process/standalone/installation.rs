//! One `leadflow standalone`, and how the tests talk to it.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use leadflow::lead::LeadId;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;

use super::manifests::Manifests;
use crate::support::folder::Folder;
use crate::support::processes::{POLL, Process, free_port, leadflow};

/// The key of the source `web` in the templates.
pub const KEY: &str = "key-of-the-web-form";
/// How long anything may take that is waited for. Far more than it needs: the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A process that can be killed and started again on its data and ports.
pub struct Installation {
    manifests: PathBuf,
    data: Folder,
    port: u16,
    admin: u16,
    client: Client,
    process: Option<Process>,
}

/// What a post was answered.
#[derive(Debug)]
pub struct Answered {
    pub status: StatusCode,
    pub retry_after: Option<String>,
    pub body: Value,
}

impl Answered {
    pub async fn of(response: Response) -> Answered {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, retry_after) = (response.status(), header("retry-after"));
        Answered { status, retry_after, body: response.json().await.expect("the answer is JSON") }
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn lead(&self) -> &str {
        self.body["leadId"].as_str().unwrap_or_else(|| panic!("the answer names a lead: {self:?}"))
    }
}

impl Installation {
    /// Starts one and waits until it is ready.
    pub async fn start(manifests: &Manifests) -> Installation {
        let client = Client::builder().timeout(PATIENCE).build().expect("a client can be made");
        let (port, admin) = (free_port(), free_port());
        let mut installation =
            Installation { manifests: manifests.path().to_owned(), data: Folder::new("data"), port, admin, client, process: None };
        installation.launch();
        installation.ready().await;
        installation
    }

    /// Starts the process, without waiting.
    pub fn launch(&mut self) {
        let mut command = leadflow();
        command.arg("standalone").arg(&self.manifests).arg("--data").arg(self.data.path());
        command.args(["--port", &self.port.to_string(), "--admin-port", &self.admin.to_string()]);
        command.env("LEADFLOW_LOG", "debug").env("LEADFLOW_LOG_FORMAT", "json");
        self.process = Some(Process::start("leadflow standalone", command, &self.data.join("leadflow.log")));
    }

    /// Waits until the process says that it is ready.
    pub async fn ready(&self) {
        let url = format!("http://127.0.0.1:{}/readyz", self.admin);
        let ready = async || self.client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success());
        self.wait("is not ready", ready).await;
    }

    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the process was started")
    }

    /// Whether it was killed and not started again.
    pub fn is_killed(&self) -> bool {
        self.process.is_none()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Asks the process to end, and checks that it does so in good order.
    pub async fn end(&mut self) {
        let process = self.process.take().expect("the process was started");
        let status = process.terminate(Duration::from_secs(60)).await;
        assert!(status.success(), "{status}\n{}", process.tail());
    }

    /// The file of the embedded store.
    pub fn database(&self) -> PathBuf {
        self.data.join("leads.db")
    }

    /// The leads in the embedded store, once the process has ended.
    pub fn leads(&self) -> Vec<LeadId> {
        super::books::Books::of_file(&self.database()).leads.into_keys().map(LeadId).collect()
    }

    /// Every byte of the embedded store's files.
    pub fn files_of_the_store(&self) -> Vec<u8> {
        let names = ["leads.db", "leads.db-wal", "leads.db-shm"];
        names.iter().flat_map(|name| std::fs::read(self.data.join(name)).unwrap_or_default()).collect()
    }

    /// All that the process, and those before it, have written.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("leadflow.log")).unwrap_or_default()
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where sources post to.
    pub fn address(&self) -> (&'static str, u16) {
        ("127.0.0.1", self.port)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A post of a lead to the source `web`, with its key.
    pub fn post(&self, lead: &Value) -> RequestBuilder {
        self.client.post(self.url("/v1/sources/web/leads")).header("x-api-key", KEY).json(lead)
    }

    /// Posts a lead and waits for its outcome.
    pub async fn settle(&self, lead: &Value) -> Answered {
        let answered = self.post(lead).header("prefer", "wait=30").send().await.expect("the post is answered");
        Answered::of(answered).await
    }

    /// Where a lead stands.
    pub async fn standing(&self, lead: &str) -> Answered {
        let url = self.url(&format!("/v1/sources/web/leads/{lead}"));
        Answered::of(self.client.get(url).header("x-api-key", KEY).send().await.expect("the question is answered")).await
    }

    /// Waits until a lead stands so.
    pub async fn wait_for_standing(&self, lead: &str, code: &str) {
        self.wait(&format!("does not say {code} of {lead}"), async || self.standing(lead).await.code() == code).await;
    }

    pub async fn metrics(&self) -> String {
        let answer = self.client.get(format!("http://127.0.0.1:{}/metrics", self.admin)).send().await.expect("the metrics are served");
        answer.text().await.expect("the metrics are text")
    }

    /// The value of a metric by name and labels, as the page writes them.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let page = self.metrics().await;
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until a metric has this value.
    pub async fn wait_for_metric(&self, name: &str, value: f64) {
        self.wait(&format!("does not come to {name} {value}"), async || self.metric(name).await == Some(value)).await;
    }

    /// The digest of the rules in force.
    pub async fn digest(&self) -> String {
        let page = self.metrics().await;
        let line = page.lines().find(|line| line.starts_with("leadflow_rules_info{") && line.ends_with(" 1"));
        line.expect("some rules are in force").to_owned()
    }

    /// Waits until rules other than these are in force.
    pub async fn wait_for_rules_after(&self, digest: &str) {
        self.wait("keeps the rules", async || self.digest().await != digest).await;
    }

    /// Runs a tool against the process's admin port.
    pub fn tool(&self, words: &[&str]) -> Output {
        let mut command: Command = leadflow();
        command.args(words).args(["--admin", &format!("http://127.0.0.1:{}", self.admin)]);
        command.output().expect("the tool can be run")
    }

    /// Waits for something, and panics with the log when it does not come.
    pub async fn wait(&self, failure: &str, mut done: impl AsyncFnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done().await {
            self.process().assert_running();
            assert!(Instant::now() < deadline, "the process {failure}\n{}", self.process().tail());
            tokio::time::sleep(POLL).await;
        }
    }
}
