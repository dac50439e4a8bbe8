//! How long the disk takes to make a write durable: the figure beside which durable acks a second are read.

use std::fs::{File, remove_file};
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use super::quantiles::Times;

/// How many flushes are timed.
const ROUNDS: usize = 50;
/// The size of each write: one page of a database.
const PAGE: [u8; 4096] = [0; 4096];

/// Times `fdatasync` after a write of one page, in a file of this folder which is removed afterwards.
pub fn measure(folder: &Path) -> io::Result<Times> {
    let path = folder.join(format!(".flush-{}", std::process::id()));
    let measured = File::create_new(&path).and_then(|file| rounds(&file));
    let removed = remove_file(&path);
    measured.and_then(|times| removed.map(|()| times))
}

fn rounds(mut file: &File) -> io::Result<Times> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(Times::new(times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert!(measure(folder.path()).unwrap().percentile(50).is_some());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
