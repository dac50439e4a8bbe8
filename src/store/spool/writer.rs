//! Writes leads into the spool: while one batch is flushed the next one gathers.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::folder::Folder;
use super::state::{Entry, Place, State, TOGETHER};
use super::{Shared, frame, record};
use crate::store::{Appended, Idempotency, NewLead, Result, StoreError};

/// A lead that wants in, and who waits for it.
pub(super) struct Asked {
    pub lead: NewLead,
    pub asker: oneshot::Sender<Result<Appended>>,
}

/// Runs until all who could ask are gone.
pub(super) async fn write(shared: Arc<Shared>, mut asked: mpsc::Receiver<Asked>) {
    let mut file = None;
    let mut gathered = Vec::with_capacity(TOGETHER);
    while asked.recv_many(&mut gathered, TOGETHER).await > 0 {
        let count = gathered.len();
        let (leads, askers): (Vec<_>, Vec<_>) = gathered.drain(..).map(|asked| (asked.lead, asked.asker)).unzip();
        let answers = commit(&shared, &mut file, leads).await;
        shared.with(|state| state.entering -= count);
        shared.work.notify_one();
        for (asker, answer) in askers.into_iter().zip(answers) {
            // Whoever has gone needs no answer.
            let _ = asker.send(answer);
        }
    }
}

/// Brings a batch to disk, and answers each of it.
async fn commit(shared: &Arc<Shared>, file: &mut Option<(u64, Arc<File>)>, leads: Vec<NewLead>) -> Vec<Result<Appended>> {
    let records: Vec<Vec<u8>> = leads.iter().map(record::encode).collect();
    let (entries, place) = shared.with(|state| {
        let entries = judge(state, &leads, &records);
        let place = entries.contains(&Entry::Write).then(|| state.begin());
        (entries, place)
    });
    let mut problem = None;
    if let Some(place) = place {
        let (mut bytes, mut kept) = (Vec::new(), Vec::new());
        for ((lead, record), _) in leads.into_iter().zip(&records).zip(&entries).filter(|(_, entry)| **entry == Entry::Write) {
            frame::put(place.number, place.at + bytes.len() as u64, record, &mut bytes);
            kept.push(lead);
        }
        let length = bytes.len() as u64;
        match flush(shared, file, place, bytes).await {
            Ok(()) => shared.with(|state| state.written(&kept, length)),
            Err(error) => {
                tracing::error!(%error, folder = %shared.folder.path().display(), leads = kept.len(), "leads can't be written to the spool");
                *file = None;
                shared.with(|state| state.failed(error.to_string(), shared.clock.now()));
                problem = Some(format!("the spool can't be written: {error}"));
            }
        }
    }
    let full = || Err(StoreError::Unavailable("the spool is full".into()));
    entries
        .into_iter()
        .map(|entry| match (entry, &problem) {
            (Entry::Full, _) => full(),
            (_, Some(why)) => Err(StoreError::Unavailable(why.clone())),
            (Entry::Write, None) => Ok(Appended::New),
            (Entry::Answer(answer), None) => Ok(answer),
        })
        .collect()
}

/// Which of the batch are to be written.
fn judge(state: &State, leads: &[NewLead], records: &[Vec<u8>]) -> Vec<Entry> {
    let mut keys: HashMap<[u8; 32], (&Idempotency, &NewLead)> = HashMap::new();
    let (mut bytes, mut count) = (0, 0);
    let mut entries = Vec::with_capacity(leads.len());
    for (lead, record) in leads.iter().zip(records) {
        let idempotency = lead.idempotency.as_ref();
        let within_batch = || {
            let (before, first) = keys.get(&idempotency?.key)?;
            Some(if before.body == idempotency?.body { Appended::Replayed { lead: first.id } } else { Appended::KeyReused })
        };
        let length = (frame::HEAD + record.len()) as u64;
        let entry = match state.index.used(idempotency).or_else(within_batch) {
            Some(answer) => Entry::Answer(answer),
            None if record.len() > frame::LONGEST || !state.has_room(bytes + length, count + 1) => Entry::Full,
            None => {
                bytes += length;
                count += 1;
                keys.extend(idempotency.map(|idempotency| (idempotency.key, (idempotency, lead))));
                Entry::Write
            }
        };
        entries.push(entry);
    }
    entries
}

async fn flush(shared: &Arc<Shared>, file: &mut Option<(u64, Arc<File>)>, place: Place, bytes: Vec<u8>) -> io::Result<()> {
    let known = file.take().filter(|(number, _)| *number == place.number).map(|(_, file)| file);
    let at_work = Arc::clone(shared);
    let work = move || {
        let file = match known {
            Some(file) => file,
            None if place.new => Arc::new(at_work.folder.create(place.number)?),
            None => return Err(io::Error::other("the segment is not open")),
        };
        match Folder::write(&file, place.at, &bytes) {
            Ok(()) => Ok(file),
            Err(error) => {
                // What may be there of leads that are refused now is better gone. If that fails, too, they are drained: nobody counts on them.
                let _ = if place.new { at_work.folder.delete(place.number) } else { at_work.folder.cut(place.number, place.at) };
                Err(error)
            }
        }
    };
    let written = tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??;
    *file = Some((place.number, written));
    Ok(())
}
