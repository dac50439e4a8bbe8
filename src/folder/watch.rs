//! Reads a folder again whenever a file changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::Stream;
use futures::stream::unfold;
use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::Reading;
use super::documents::files;
use super::read::understand;

/// How long to wait for further changes after the first: editors write in several steps.
const CALM: Duration = Duration::from_millis(100);
/// The longest wait for that.
const LONGEST_CALM: Duration = Duration::from_millis(500);
/// How often the folder is looked at without being told of a change, for file systems that do not tell.
const POLL: Duration = Duration::from_secs(3);
/// How many errors of one reading are logged.
const MOST_LOGGED: usize = 50;

/// Readings of a folder: one at once, and one after each change of a manifest's text. A reading with errors is logged; whoever keeps the last
/// good one keeps routing. The stream does not end.
pub fn watch(folder: PathBuf) -> impl Stream<Item = Reading> + Send {
    let (told, changes) = mpsc::channel(1);
    let watcher = watcher(&folder, told).inspect_err(|error| {
        tracing::warn!(folder = %folder.display(), %error, "changes are looked for every {} s", POLL.as_secs());
    });
    let watch = Watch { folder, changes, _watcher: watcher.ok(), before: None, broken: false };
    unfold(watch, |mut watch| async move { Some((watch.next().await, watch)) })
}

struct Watch {
    folder: PathBuf,
    changes: mpsc::Receiver<()>,
    _watcher: Option<RecommendedWatcher>,
    /// Digest of the last reading.
    before: Option<blake3::Hash>,
    broken: bool,
}

impl Watch {
    async fn next(&mut self) -> Reading {
        loop {
            if self.before.is_some() {
                self.wait().await;
            }
            let (folder, before) = (self.folder.clone(), self.before);
            match tokio::task::spawn_blocking(move || look(&folder, before)).await {
                Ok(Some((digest, reading))) => {
                    self.before = Some(digest);
                    self.log(&reading);
                    return reading;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%error, "reading the folder failed");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    /// Returns when something has changed and then nothing more for a moment, and now and then anyway.
    async fn wait(&mut self) {
        match tokio::time::timeout(POLL, self.changes.recv()).await {
            Ok(Some(())) => {
                let calm = async { while let Ok(Some(())) = tokio::time::timeout(CALM, self.changes.recv()).await {} };
                // A folder that never comes to rest is read all the same.
                let _ = tokio::time::timeout(LONGEST_CALM, calm).await;
            }
            // There is no watcher.
            Ok(None) => tokio::time::sleep(POLL).await,
            Err(_) => {}
        }
    }

    fn log(&mut self, reading: &Reading) {
        match reading {
            Ok(_) if self.broken => tracing::info!(folder = %self.folder.display(), "the manifests are mended"),
            Ok(_) => {}
            Err(errors) => {
                for error in errors.iter().take(MOST_LOGGED) {
                    tracing::error!("{error}");
                }
                tracing::error!(errors = errors.len(), "the manifests have errors; the last good rules stay in force");
            }
        }
        self.broken = reading.is_err();
    }
}

/// Tells of changes in a folder, as far as the file system does.
fn watcher(folder: &Path, told: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is no change. An error may hide a change.
        let read = |kind: &EventKind| kind.is_access() && *kind != EventKind::Access(AccessKind::Close(AccessMode::Write));
        if !event.is_ok_and(|event| read(&event.kind)) {
            // Full means that a change is waiting to be looked at already.
            let _ = told.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// The reading and the digest of what was read, unless that is still the same.
fn look(folder: &Path, before: Option<blake3::Hash>) -> Option<(blake3::Hash, Reading)> {
    let files = files(folder);
    let mut digest = blake3::Hasher::new();
    match &files {
        Ok(files) => {
            for part in files.iter().flat_map(|file| [&file.name, &file.text]) {
                digest.update(&(part.len() as u64).to_le_bytes());
                digest.update(part.as_bytes());
            }
        }
        Err(errors) => {
            for error in errors {
                digest.update(error.to_string().as_bytes());
            }
        }
    }
    let digest = digest.finalize();
    (before != Some(digest)).then(|| (digest, files.and_then(|files| understand(&files))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::pin::pin;

    use futures::StreamExt;

    use super::*;

    const KEYS: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {a: one}\n";

    #[tokio::test]
    async fn an_edit_by_rename_is_read_and_a_broken_one_reported_until_mended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.yaml");
        fs::write(&path, KEYS).unwrap();
        let mut readings = pin!(watch(folder.path().to_owned()));
        let names = |reading: Reading| reading.map(|(_, secrets)| secrets.0.into_keys().collect::<Vec<_>>());
        assert_eq!(names(readings.next().await.unwrap()).unwrap(), ["keys"]);

        let beside = folder.path().join("keys.yaml.new");
        fs::write(&beside, KEYS.replace("keys", "others")).unwrap();
        fs::rename(&beside, &path).unwrap();
        assert_eq!(names(readings.next().await.unwrap()).unwrap(), ["others"]);

        fs::write(&path, "kind: Secret").unwrap();
        assert_eq!(readings.next().await.unwrap().unwrap_err()[0].file, "keys.yaml");

        fs::write(&path, KEYS).unwrap();
        assert_eq!(names(readings.next().await.unwrap()).unwrap(), ["keys"]);
    }

    #[tokio::test]
    async fn a_folder_that_comes_later_is_found() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("rules");
        let mut readings = pin!(watch(folder.clone()));
        assert!(readings.next().await.unwrap().is_err());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("keys.yaml"), KEYS).unwrap();
        assert!(readings.next().await.unwrap().is_ok());
    }
}
