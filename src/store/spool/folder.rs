//! The segments' files. A segment is `NUMBER.log`; one that is set aside is `NUMBER.log.damaged`. Calls block.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";
const SEGMENT: &str = ".log";
const SET_ASIDE: &str = ".log.damaged";

/// A folder of segments that is this process's alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

/// What a folder held when it was opened.
#[derive(Debug, Default)]
pub struct Found {
    /// Segments, in order.
    pub segments: Vec<u64>,
    /// Bytes of those that were set aside, and the highest number of these.
    pub set_aside: (u64, u64),
}

impl Folder {
    /// Opens a folder, made when it is not there.
    pub fn open(path: &Path) -> io::Result<(Self, Found)> {
        fs::create_dir_all(path)?;
        let lock = File::create(path.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process uses the folder: give each its own"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut found = Found::default();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if let Some(number) = number(&name, SEGMENT) {
                found.segments.push(number);
            } else if let Some(number) = number(&name, SET_ASIDE) {
                found.set_aside = (found.set_aside.0 + entry.metadata()?.len(), found.set_aside.1.max(number));
            }
        }
        found.segments.sort_unstable();
        Ok((Self { path: path.to_owned(), _lock: lock }, found))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of a segment from a place on: `most`, or all that there are.
    pub fn read(&self, number: u64, at: u64, most: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.segment(number))?;
        let left = file.metadata()?.len().saturating_sub(at).min(most);
        let mut bytes = vec![0; usize::try_from(left).map_err(io::Error::other)?];
        file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// Begins a segment.
    pub fn create(&self, number: u64) -> io::Result<File> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.segment(number))?;
        self.sync()?;
        Ok(file)
    }

    /// Writes bytes at a place of a segment. They are on disk when this returns.
    pub fn write(file: &File, at: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, at)?;
        file.sync_data()
    }

    /// Cuts a segment off at a place, durably.
    pub fn cut(&self, number: u64, at: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.segment(number))?;
        file.set_len(at)?;
        file.sync_all()
    }

    /// Deletes a segment. One that comes back after a crash is drained once more, which changes nothing.
    pub fn delete(&self, number: u64) -> io::Result<()> {
        match fs::remove_file(self.segment(number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Sets a segment aside, and says where it is now.
    pub fn set_aside(&self, number: u64) -> io::Result<PathBuf> {
        let aside = self.path.join(format!("{number:020}{SET_ASIDE}"));
        fs::rename(self.segment(number), &aside)?;
        self.sync()?;
        Ok(aside)
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.path.join(format!("{number:020}{SEGMENT}"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn number(name: &str, suffix: &str) -> Option<u64> {
    name.strip_suffix(suffix)?.parse().ok()
}
