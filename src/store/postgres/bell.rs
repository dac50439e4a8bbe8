//! Tells other processes, and hears from them, that something happened: `LISTEN` and `NOTIFY` on one connection of their own.
//!
//! A `NOTIFY` takes a lock of the whole database while its transaction commits. So it is not part of the transactions that keep leads: it is sent after
//! them, without waiting for a flush, and what happens while one is under way is told by the next. Should a process die in between, the others look
//! for themselves soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, broadcast, watch};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::DEADLINE;
use super::address::Address;
use super::work::explain;
use crate::store::{Happened, Result, StoreError};

const CHANNEL: &str = "leadflow";
/// How many events a slow watcher may lag behind.
const EVENTS: usize = 256;
/// How long to wait before another try, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// How often a silent connection is looked after.
const SILENCE: Duration = Duration::from_secs(20);

/// What is to be told.
pub(super) struct Bell {
    pub events: broadcast::Sender<Happened>,
    work: AtomicBool,
    settled: AtomicBool,
    rung: Notify,
}

impl Bell {
    pub(super) fn new() -> Self {
        let (events, _) = broadcast::channel(EVENTS);
        Self { events, work: AtomicBool::new(false), settled: AtomicBool::new(false), rung: Notify::new() }
    }

    /// Tells the watchers of this process now, and those of other processes soon.
    pub(super) fn ring(&self, happened: Happened) {
        self.tell(happened.clone());
        self.flag(&happened).store(true, Ordering::SeqCst);
        self.rung.notify_one();
    }

    fn flag(&self, happened: &Happened) -> &AtomicBool {
        match happened {
            Happened::Work => &self.work,
            Happened::Settled => &self.settled,
        }
    }

    fn tell(&self, happened: Happened) {
        // Nobody may be watching.
        let _ = self.events.send(happened);
    }
}

fn word(happened: &Happened) -> &'static str {
    match happened {
        Happened::Work => "work",
        Happened::Settled => "settled",
    }
}

/// Keeps the connection up until the store is dropped.
pub(super) async fn keep(bell: Arc<Bell>, mut address: watch::Receiver<Arc<Address>>) {
    let mut pause = PAUSE.0;
    loop {
        let current = Arc::clone(&address.borrow_and_update());
        let heard = AtomicBool::new(false);
        let ended = tokio::select! {
            ended = connect(&bell, &current, &heard) => ended,
            changed = address.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        if heard.into_inner() {
            pause = PAUSE.0;
        }
        if let Err(error) = ended {
            tracing::warn!(error = %error, pause_ms = pause.as_millis() as u64, "events of the database are not heard");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = address.changed() => if changed.is_err() { return },
        }
        pause = (pause * 2).min(PAUSE.1);
    }
}

async fn connect(bell: &Bell, address: &Address, heard: &AtomicBool) -> Result<()> {
    match &address.tls {
        Some(tls) => {
            let (client, connection) = in_time(address.config.connect(tls.clone())).await?;
            attend(bell, client, connection, heard).await
        }
        None => {
            let (client, connection) = in_time(address.config.connect(NoTls)).await?;
            attend(bell, client, connection, heard).await
        }
    }
}

async fn attend<S, T>(bell: &Bell, client: Client, mut connection: Connection<S, T>, heard: &AtomicBool) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let own = AtomicI32::new(0);
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    let hear = async {
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(note) = message.map_err(|error| explain(&error))? {
                let known = [Happened::Work, Happened::Settled].into_iter().find(|happened| word(happened) == note.payload());
                if let Some(happened) = known.filter(|_| note.process_id() != own.load(Ordering::SeqCst)) {
                    bell.tell(happened);
                }
            }
        }
        Err(StoreError::Unavailable("the connection was closed".into()))
    };
    tokio::select! {
        ended = hear => ended,
        ended = speak(bell, &client, &own, heard) => ended,
    }
}

async fn speak(bell: &Bell, client: &Client, own: &AtomicI32, heard: &AtomicBool) -> Result<()> {
    in_time(client.batch_execute(&format!("SET synchronous_commit = off; LISTEN {CHANNEL}"))).await?;
    own.store(in_time(client.query_one("SELECT pg_backend_pid()", &[])).await?.get(0), Ordering::SeqCst);
    heard.store(true, Ordering::SeqCst);
    // Something may have happened while nobody listened.
    bell.tell(Happened::Work);
    bell.tell(Happened::Settled);
    let notify = in_time(client.prepare("SELECT pg_notify($1, $2)")).await?;
    loop {
        for happened in [Happened::Work, Happened::Settled] {
            if bell.flag(&happened).swap(false, Ordering::SeqCst) {
                in_time(client.execute(&notify, &[&CHANNEL, &word(&happened)])).await?;
            }
        }
        if tokio::time::timeout(SILENCE, bell.rung.notified()).await.is_err() {
            in_time(client.batch_execute("")).await?;
        }
    }
}

async fn in_time<T>(call: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer.map_err(|error| explain(&error)),
        Err(_) => Err(StoreError::Unavailable("no answer from the database within 10 seconds".into())),
    }
}
