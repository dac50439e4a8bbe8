//! Ingest and router in one process: rules from a folder of manifests, leads in a file (or in the PostgreSQL that the Exchange names).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::{Stream, StreamExt};

use super::in_force::InForce;
use super::pod_store::LEADS;
use super::process::Process;
use super::{RunError, intake, routing, stores};
use crate::folder::{self, FolderError, Reading};
use crate::ops::listen::listen;
use crate::settings::OneProcess;
use crate::store::postgres::PostgresStore;
use crate::store::seal::fresh_keys;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};
use crate::table::{Objects, Secrets, Table};
use crate::tools::receiver;

/// The file of the generated encryption keys, in the data folder.
const KEYS: &str = "encryption-keys.json";
/// Connections to PostgreSQL.
const CONNECTIONS: usize = 12;

/// Runs until told to stop. With `crm_port`, the sample CRM of the quickstart listens there. `out` is told how to try it.
pub async fn run(settings: &OneProcess, dir: &Path, crm_port: Option<u16>, out: &mut impl Write) -> Result<(), RunError> {
    let mut process = Process::new()?;
    let in_force = Arc::new(InForce::new(Arc::clone(&process.metrics), Arc::clone(&process.clock)));
    fs::create_dir_all(&settings.data).map_err(|source| RunError::File { path: settings.data.clone(), source })?;

    let mut readings = Box::pin(folder::watch(dir.to_owned()));
    let (objects, secrets) = readings.next().await.unwrap_or(Err(Vec::new())).map_err(RunError::Folder)?;
    let (table, rejected) = in_force.compile(&objects);
    if !rejected.is_empty() {
        return Err(RunError::Folder(folder::blame(&objects, &rejected)));
    }
    let keys = Keys { data: settings.data.clone() };
    let secrets = keys.complete(secrets, &table)?;
    let (store, at_once) = open(&mut process, &settings.data, &objects, &secrets).await?;
    in_force.put_secrets(secrets);
    in_force.put(table, &[], 0);
    process.metrics.rules_fresh.set(1);

    let group = stores::gather(&mut process, &store, at_once, None);
    let router = routing::start(&mut process, &in_force, &store, &group, "standalone", None)?;
    let address = settings.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let listener = listen(Some(address), settings.port, "--port").await?;
    let posts = listener.local_addr().unwrap_or(SocketAddr::new(address, settings.port));
    intake::start(&mut process, &in_force, &store, Arc::new(group), listener);
    process.admin(Some(address), settings.admin_port, router.pages).await?;
    if let Some(port) = crm_port {
        let listener = listen(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), port, "--crm-port").await?;
        // It outlives draining: deliveries under way are answered.
        let serving = tokio::spawn(async move { axum::serve(listener, receiver::router()).await });
        process.tasks.dropped("sample CRM", async move { serving.await.map_err(std::io::Error::other)? });
    }
    tell(out, &objects, &in_force, dir, posts, settings.admin_port, crm_port).map_err(RunError::Output)?;
    process.tasks.dropped("folder", follow(readings, in_force, keys));
    process.run().await
}

/// Takes over each good reading; after a bad one the rules stay as they are.
async fn follow(
    mut readings: std::pin::Pin<Box<impl Stream<Item = Reading> + Send>>,
    in_force: Arc<InForce>,
    keys: Keys,
) -> Result<(), Infallible> {
    while let Some(reading) = readings.next().await {
        let Ok((objects, secrets)) = reading else { continue };
        let (table, rejected) = in_force.compile(&objects);
        if !rejected.is_empty() {
            say(&folder::blame(&objects, &rejected));
            continue;
        }
        match keys.complete(secrets, &table) {
            Ok(secrets) => {
                in_force.put_secrets(secrets);
                in_force.put(table, &[], 0);
            }
            Err(error) => tracing::error!(%error, "the change is not taken over"),
        }
    }
    Ok(())
}

fn say(errors: &[FolderError]) {
    errors.iter().for_each(|error| tracing::error!("{error}"));
    tracing::error!(errors = errors.len(), "the rules have errors; the last good ones stay in force");
}

/// Opens the store that the Exchange names, with how many appends it takes at once.
async fn open(process: &mut Process, data: &Path, objects: &Objects, secrets: &Secrets) -> Result<(Arc<dyn Store>, usize), RunError> {
    let Some(postgresql) = objects.exchange().and_then(|exchange| exchange.spec.store.postgresql.as_ref()) else {
        let store = SqliteStore::open(data.join(LEADS))?;
        return Ok((Arc::new(store), stores::ONE));
    };
    let at = &postgresql.url_from.secret_key_ref;
    let url = secrets
        .text(at)
        .ok_or_else(|| StoreError::Refused(format!("the Secret '{}' has no key '{}' with the database's URL", at.name, at.key)))?;
    let (store, bell) = PostgresStore::connect(url, CONNECTIONS).await?;
    process.tasks.dropped("database news", bell);
    Ok((Arc::new(store), stores::SOME))
}

/// The encryption keys of an Exchange whose Secret is not among the manifests.
struct Keys {
    data: PathBuf,
}

impl Keys {
    /// Adds the keys in the data folder, made at first need, under the name that the Exchange uses.
    fn complete(&self, mut secrets: Secrets, table: &Table) -> Result<Secrets, RunError> {
        let name = &table.exchange.encryption;
        if secrets.entries(name).is_some() {
            return Ok(secrets);
        }
        let path = self.data.join(KEYS);
        let file_error = |source| RunError::File { path: path.clone(), source };
        let keys: BTreeMap<String, String> = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| file_error(error.into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let keys = fresh_keys()?;
                let text = serde_json::to_vec_pretty(&keys).map_err(|error| file_error(error.into()))?;
                let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(file_error)?;
                file.write_all(&text).and_then(|()| file.sync_all()).map_err(file_error)?;
                tracing::info!(file = %path.display(), "encryption keys were made; leads can't be read without this file");
                keys
            }
            Err(error) => return Err(file_error(error)),
        };
        let entries = keys.into_iter().map(|(key, value)| (key, zeroize::Zeroizing::new(value.into_bytes()))).collect();
        secrets.0.insert(name.clone(), Arc::new(entries));
        Ok(secrets)
    }
}

/// Prints what is routed, and how to see it work.
fn tell(
    out: &mut impl Write,
    objects: &Objects,
    in_force: &InForce,
    dir: &Path,
    posts: SocketAddr,
    admin: u16,
    crm_port: Option<u16>,
) -> std::io::Result<()> {
    let table = in_force.live.table();
    writeln!(out, "LeadFlow routes by the manifests in {} (an edit is live within a second):", dir.display())?;
    for (name, source) in &objects.sources {
        writeln!(out, "  source  {name}: http://{posts}/v1/sources/{name}/leads, {} required", source.spec.require.len())?;
    }
    for policy in &table.policies {
        let tiers: Vec<_> =
            policy.tiers.iter().map(|tier| format!("{} ({} by {})", tier.name, tier.members.count(), tier.method.name())).collect();
        writeln!(out, "  policy  {}: {}", policy.name, tiers.join(" → "))?;
    }
    for (name, endpoint) in table.endpoints.iter() {
        writeln!(out, "  endpoint {name}: {}", endpoint.url)?;
    }
    if let Some(port) = crm_port {
        writeln!(out, "A sample CRM (part of the quickstart, nothing more) takes deliveries at http://127.0.0.1:{port}/")?;
    }
    let Some((name, key)) = objects.sources.iter().find_map(|(name, source)| {
        let secrets = in_force.live.secrets();
        let key = secrets.entries(&source.spec.auth.keys_from.secret_ref.name)?.values().next()?.clone();
        Some((name, String::from_utf8_lossy(&key).trim().to_owned()))
    }) else {
        return Ok(());
    };
    let program = std::env::current_exe().ok();
    let here = std::env::current_dir().ok();
    let program = program.as_deref().and_then(|program| program.strip_prefix(here.as_deref()?).ok().or(Some(program)));
    let program = program.map_or("leadflow".to_owned(), |program| program.display().to_string());
    writeln!(out, "\nPost a lead from another terminal and wait for its outcome, then ask why:\n")?;
    writeln!(
        out,
        "  curl -sS http://{posts}/v1/sources/{name}/leads -H 'X-Api-Key: {key}' -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '{SAMPLE}'"
    )?;
    let port = if admin == 9090 { String::new() } else { format!(" --admin http://127.0.0.1:{admin}") };
    writeln!(out, "  {program} explain latest{port}\n")?;
    out.flush()
}

/// The lead that the quickstart shows.
const SAMPLE: &str = r#"{"source":"WebsiteForm","capture_timestamp":"2023-10-27T10:00:00Z","contact":{"first_name":"jane","last_name":"DOE","email":"Jane.Doe@example.com","phone":"555-867-5309"},"property_interest":{"type":"BUYER","location_zip":"90210-1234","price_max":750000}}"#;
