//! Temporary folders which go away with the test binary, and those that a killed
//! test binary left behind, which go away with the next one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

const PREFIX: &str = "leadflow-test-";

/// Folders that are still there, for [`remove_all`].
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A folder of our own in the system's temporary folder. Holds a lock on a file in
/// it, so that others see that its owner is alive.
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub fn new(what: &str) -> Folder {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(Folder::sweep);
        super::processes::tidy_up_at_exit();
        let path = tempfile::Builder::new().prefix(&format!("{PREFIX}{what}-")).tempdir().expect("a temporary folder can be made").keep();
        let unseen = path.join(".lock-to-be");
        let lock = File::create(&unseen).expect("the lock file can be made");
        lock.try_lock().expect("nobody else knows the new lock file");
        fs::rename(unseen, lock_of(&path)).expect("the lock file can be renamed");
        live().push(path.clone());
        Folder { path, _lock: lock }
    }

    /// Removes the folders of test binaries that were killed.
    pub fn sweep() {
        let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
            return;
        };
        for entry in entries.flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
            if ours && File::open(lock_of(&entry.path())).is_ok_and(|lock| lock.try_lock().is_ok()) {
                remove(&entry.path());
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        live().retain(|path| path != &self.path);
        remove(&self.path);
    }
}

/// Removes every folder still there: what shared servers use is never dropped.
pub(super) fn remove_all() {
    for path in live().drain(..) {
        remove(&path);
    }
}

fn live() -> std::sync::MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_of(folder: &Path) -> PathBuf {
    folder.join(".lock")
}

/// LEADFLOW_TEST_KEEP=1 leaves the folders, with the servers' logs, to be read.
fn remove(path: &Path) {
    if std::env::var_os("LEADFLOW_TEST_KEEP").is_none() {
        let _ = fs::remove_dir_all(path);
    }
}
