//! Files in one compressed archive.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;

/// One file of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// The report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    pub files: Vec<File>,
    /// What could not be had, and why.
    pub missing: Vec<String>,
}

impl Bundle {
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.push(File { path: path.into(), text: text.into() });
    }
}

/// The archive, with all files in one folder. `time` is in seconds since 1970.
pub fn pack(bundle: &Bundle, time: i64) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for file in &bundle.files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(file.text.len()).unwrap_or_default());
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(time).unwrap_or_default());
        archive.append_data(&mut header, format!("leadflow-report/{}", file.path), file.text.as_bytes())?;
    }
    archive.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let mut bundle = Bundle::default();
        let long = format!("logs/{}.log", "pod-".repeat(40));
        bundle.add("status.txt", "all is well\n");
        bundle.add(long.clone(), "");
        let bytes = pack(&bundle, 1_800_000_000).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let mut unpacked = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            unpacked.push((entry.path().unwrap().display().to_string(), text));
        }
        let expected =
            [("leadflow-report/status.txt".to_owned(), "all is well\n".to_owned()), (format!("leadflow-report/{long}"), String::new())];
        assert_eq!(unpacked, expected);
    }
}
