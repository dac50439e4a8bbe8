//! A pod in a cluster: ingest, router, or with the embedded store both. Rules and Secrets come by watches.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use kube::Client;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use super::in_force::InForce;
use super::pod_store::{self, Opened};
use super::process::Process;
use super::spooling::{self, SpoolSettings, Spooling};
use super::{RunError, intake, routing, stores};
use crate::api::endpoint::Circuit;
use crate::breaker::Breakers;
use crate::breaker::publish::{self, Publisher};
use crate::cluster::index::Undecodable;
use crate::cluster::last_good::LastGood;
use crate::cluster::last_good::watch::{ByNamespace, watch_records};
use crate::cluster::lease::{self, Holder};
use crate::cluster::requests::counted;
use crate::cluster::rules::watch_objects;
use crate::cluster::scope::Scope;
use crate::cluster::secrets::{AllFound, Keep, SecretsWatch, present, watch_secrets};
use crate::flow::ports::Clock;
use crate::ops::listen::listen;
use crate::settings::Place;
use crate::store::postgres::PostgresStore;
use crate::store::spool::Spool;
use crate::table::duty::Duty;
use crate::table::references::{Role, secrets_of};
use crate::table::{ObjectRef, Objects, Secrets};

/// Connections to PostgreSQL of one pod.
const CONNECTIONS: usize = 12;
/// How long the first reading of Secrets is waited for before the process goes on without those that are missing.
const SECRETS_PATIENCE: Duration = Duration::from_secs(10);
/// The same of good versions of broken objects.
const RECORDS_PATIENCE: Duration = Duration::from_secs(10);
/// How often a database that can't be reached is tried again at the start.
const AGAIN: Duration = Duration::from_secs(1);

/// How long a pod with a spool waits for the database at its start.
const STORE_PATIENCE: Duration = Duration::from_secs(3);

/// Which pod this is, and where it listens.
pub struct Settings<'a> {
    pub duty: Duty,
    pub place: &'a Place,
    pub address: Option<IpAddr>,
    /// The port for posts; of ingest only.
    pub port: u16,
    pub admin_port: u16,
    /// Where leads wait while the store is away; of ingest only.
    pub spool: Option<&'a SpoolSettings>,
    /// The folder of the embedded store; of a pod that may have one.
    pub data: Option<&'a Path>,
}

/// Runs until told to stop.
pub async fn run(settings: Settings<'_>) -> Result<(), RunError> {
    let mut process = Process::new()?;
    let pages = Pages::default();
    let rules_gate = process.readiness.gate("rules");
    let store_gate = process.readiness.gate("store opened");
    process.admin(settings.address, settings.admin_port, pages.router()).await?;
    // Before all that may take long, so that what waits in it is seen.
    let spool = match settings.spool {
        Some(settings) => spooling::open(&mut process, settings).await?.map(|spool| (spool, settings)),
        None => None,
    };

    let drain = process.shutdown.drain();
    let started = tokio::select! {
        biased;
        () = drain.cancelled() => {
            spool.into_iter().for_each(|(spool, _)| spooling::leave(&mut process, spool));
            Ok(())
        }
        started = start(&settings, &mut process, &pages, spool.clone()) => started,
    };
    started?;
    drop((rules_gate, store_gate));
    process.run().await
}

/// Brings the pod to where it works: rules, Secrets, store, in this order. Nothing is awaited once the spool is being drained.
async fn start(
    settings: &Settings<'_>,
    process: &mut Process,
    pages: &Pages,
    spool: Option<(Spool, &SpoolSettings)>,
) -> Result<(), RunError> {
    let config = kube::Config::infer().await.map_err(|error| RunError::Cluster(error.to_string()))?;
    let namespace = settings.place.pod.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).map_err(|error| RunError::Cluster(error.to_string()))?;
    let client = counted(&client, &process.metrics.requests);
    let pod = settings.place.pod.name.clone().unwrap_or_else(|| format!("leadflow-{}-{:08x}", settings.duty, process.dice.roll() as u32));

    let in_force = Arc::new(InForce::new(Arc::clone(&process.metrics), Arc::clone(&process.clock)));
    let watched = watch_objects(client.clone(), &namespace, process.metrics.rules_fresh.clone());
    process.tasks.dropped("rules", async move { Err::<(), _>(watched.run.await) });
    let recorded = watch_records(client.clone(), &Scope::Namespaces(vec![namespace.clone()]));
    process.tasks.dropped("good versions", async move { Err::<(), _>(recorded.run.await) });
    let (secrets, watching) = watch_secrets(&client, &namespace, Keep::Values, Arc::clone(&process.dice));
    process.tasks.dropped("secrets", async move { Err::<(), _>(watching.await) });

    let mut follower = Follower {
        duty: settings.duty,
        data: settings.data.map(Path::to_owned),
        objects: watched.objects,
        undecodable: watched.undecodable,
        namespace: namespace.clone(),
        records: recorded.records,
        last_good: LastGood::default(),
        used: Objects::default(),
        found: secrets.found.clone(),
        secrets,
        in_force: Arc::clone(&in_force),
    };
    follower.first().await;
    let opened = follower.connect(process, spool.is_some()).await?;
    let store_port = opened.store();
    let group = stores::gather(process, &store_port, opened.at_once(), spool.as_ref().map(|(spool, _)| spool.clone()));

    if settings.duty.plays(Role::Router) {
        let (transitions, queue) = mpsc::channel(publish::QUEUE);
        let started = routing::start(process, &in_force, &store_port, &group, &pod, Some(transitions))?;
        let publisher = Publisher::new(client.clone(), &namespace, &pod, Arc::clone(&process.metrics));
        process.tasks.dropped("circuits out", async move {
            publisher.run(queue).await;
            Ok::<_, Infallible>(())
        });
        process.tasks.dropped("circuits in", heed(watched.circuits, started.breakers, Arc::clone(&process.clock), pod.clone()));
        pages.open(started.pages);
    }
    if settings.duty.plays(Role::Ingest) {
        let listener = listen(settings.address, settings.port, "--port").await?;
        match spool {
            Some((spool, settings)) => {
                let appender = Arc::new(Spooling { group, spool: spool.clone() });
                let served = intake::start(process, &in_force, &store_port, appender, listener);
                spooling::drain(process, settings, &spool, store_port, served);
            }
            None => drop(intake::start(process, &in_force, &store_port, Arc::new(group), listener)),
        }
    }
    let holder =
        Holder { namespace, pod, uid: settings.place.pod.uid.clone(), exchange: settings.place.exchange.clone(), duty: settings.duty };
    let keeping = lease::keep(client, holder, in_force.digests(), Arc::clone(&process.clock), process.shutdown.drain());
    process.tasks.drained("lease", async move {
        keeping.await;
        Ok::<_, Infallible>(())
    });
    process.tasks.dropped("changes", follower.follow(opened));
    Ok(())
}

/// Keeps what is in force in step with the cluster.
struct Follower {
    duty: Duty,
    data: Option<PathBuf>,
    objects: watch::Receiver<Arc<Objects>>,
    undecodable: watch::Receiver<Arc<BTreeMap<ObjectRef, Undecodable>>>,
    namespace: String,
    records: watch::Receiver<Arc<ByNamespace>>,
    last_good: LastGood,
    /// What the rules in force are made of: the objects, with the last good version of those that are broken.
    used: Objects,
    found: watch::Receiver<Arc<AllFound>>,
    secrets: SecretsWatch,
    in_force: Arc<InForce>,
}

impl Follower {
    /// Waits for the first rules and Secrets.
    async fn first(&mut self) {
        // The watch ends only with the process.
        let _ = self.objects.changed().await;
        // What is broken now may be recorded as it was when it was good.
        if tokio::time::timeout(RECORDS_PATIENCE, self.records.changed()).await.is_err() {
            tracing::warn!("good versions of broken objects (ControllerRevisions) are not known in time; such objects are left out");
        }
        self.take_rules();
        self.secrets.settled(SECRETS_PATIENCE).await;
        self.take_secrets();
    }

    /// Opens the store that the Exchange names, however long it takes to be there; with a spool it is waited for only briefly.
    async fn connect(&mut self, process: &mut Process, with_spool: bool) -> Result<Opened, RunError> {
        loop {
            if let Some(opened) = pod_store::embedded(self.used.exchange().map(Arc::as_ref), self.data.as_deref())? {
                return Ok(opened);
            }
            let connected = match self.url() {
                None => None,
                Some(url) if with_spool => Some((PostgresStore::open(&url, CONNECTIONS), url)),
                Some(url) => Some((PostgresStore::connect(&url, CONNECTIONS).await, url)),
            };
            match connected {
                None => tracing::warn!("waiting for the Exchange and the Secret with the database's URL"),
                Some((connected, url)) => match connected {
                    Ok((store, bell)) => {
                        process.tasks.dropped("database news", bell);
                        let store = Arc::new(store);
                        if with_spool {
                            prepare(process, Arc::clone(&store)).await;
                        }
                        return Ok(Opened::Postgresql { store, url });
                    }
                    Err(error) => tracing::warn!(%error, "the database can't be used yet"),
                },
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                // The watches end only with the process.
                _ = self.next() => {}
            }
        }
    }

    /// Takes over the next change.
    async fn next(&mut self) -> Result<(), &'static str> {
        tokio::select! {
            changed = self.objects.changed() => {
                changed.map_err(|_| "the watch of rules ended")?;
                self.take_rules();
            }
            changed = self.records.changed() => {
                changed.map_err(|_| "the watch of good versions ended")?;
                self.take_rules();
            }
            changed = self.found.changed() => {
                changed.map_err(|_| "the watch of Secrets ended")?;
                self.take_secrets();
            }
        }
        Ok(())
    }

    /// Takes over every change, for ever.
    async fn follow(mut self, mut opened: Opened) -> Result<(), &'static str> {
        loop {
            self.next().await?;
            if let Some(now) = self.url() {
                opened.set_url(now);
            }
        }
    }

    fn take_rules(&mut self) {
        let objects = self.objects.borrow_and_update().clone();
        let undecodable = self.undecodable.borrow().clone();
        let recorded = self.records.borrow_and_update().clone();
        let none = BTreeMap::new();
        let records = recorded.get(&self.namespace).unwrap_or(&none);
        let settled = self.last_good.settle(&objects, &undecodable, records, |objects| self.in_force.compile(objects));
        for (object, generation) in &settled.fallen_back {
            tracing::warn!(%object, generation, "the object is broken, and its last good generation keeps running");
        }
        let broken = undecodable.keys().chain(settled.fallen_back.keys()).collect::<BTreeSet<_>>().len();
        let rejected: Vec<_> = settled.rejected.into_iter().filter(|one| !settled.fallen_back.contains_key(&one.object)).collect();
        let left_out: BTreeSet<_> = rejected.iter().map(|rejection| rejection.object.clone()).collect();
        self.secrets.set_names(self.duty.roles().iter().flat_map(|role| secrets_of(*role, &settled.used, &left_out)).collect());
        self.used = settled.used;
        self.in_force.put(settled.compiled, &rejected, broken);
    }

    fn take_secrets(&mut self) {
        let found = self.found.borrow_and_update().clone();
        self.in_force.put_secrets(present(&found));
    }

    fn url(&self) -> Option<String> {
        let at = &self.used.exchange()?.spec.store.postgresql.as_ref()?.url_from.secret_key_ref;
        let secrets: Secrets = present(&self.found.borrow());
        secrets.text(at).map(str::to_owned)
    }
}

/// Brings the database's tables up to date, at once or when it can be reached. That goes on while the process drains, which needs the database.
async fn prepare(process: &mut Process, store: Arc<PostgresStore>) {
    let mut preparing = tokio::spawn(async move {
        while let Err(error) = store.prepare().await {
            tracing::warn!(%error, "the database can't be used yet");
            tokio::time::sleep(AGAIN).await;
        }
    });
    if tokio::time::timeout(STORE_PATIENCE, &mut preparing).await.is_err() {
        process.tasks.dropped("database", async move {
            preparing.await.map_err(|error| error.to_string())?;
            std::future::pending::<Result<(), String>>().await
        });
    }
}

/// Tells the breakers what other routers report.
async fn heed(
    mut circuits: mpsc::Receiver<(String, Circuit)>,
    breakers: Arc<Breakers>,
    clock: Arc<dyn Clock>,
    pod: String,
) -> Result<(), Infallible> {
    while let Some((endpoint, circuit)) = circuits.recv().await {
        breakers.hint(&endpoint, &circuit, circuit.reported_by == pod, clock.now());
    }
    Ok(())
}

/// Pages of the admin port that are there only once the store is.
#[derive(Clone, Default)]
struct Pages(Arc<OnceLock<Router>>);

impl Pages {
    fn open(&self, pages: Router) {
        // Opened once.
        let _ = self.0.set(pages);
    }

    fn router(&self) -> Router {
        let pages = self.clone();
        Router::new().fallback(move |request: Request| async move {
            match pages.0.get() {
                Some(router) => router.clone().oneshot(request).await.into_response(),
                None => (StatusCode::NOT_FOUND, "there is no such page, or not yet\n").into_response(),
            }
        })
    }
}
