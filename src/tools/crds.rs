//! `leadflow crds`: writes the CustomResourceDefinitions, one file a kind.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::api::crds::crds;

/// Why the definitions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the definition of {kind} can't be written as YAML: {source}")]
    Yaml { kind: &'static str, source: serde_saphyr::ser::Error },
    #[error("{path}: {source}", path = path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("the list of files can't be written: {0}")]
    Output(#[from] io::Error),
}

/// Every kind's definition as the text of its file, with the file's name.
pub fn files() -> Result<Vec<(String, String)>, Error> {
    crds()
        .into_iter()
        .map(|(kind, definition)| {
            let yaml = serde_saphyr::to_string(&definition).map_err(|source| Error::Yaml { kind, source })?;
            Ok((format!("{kind}.yaml"), yaml))
        })
        .collect()
}

/// Writes the definitions into a folder, which is made if need be, and says which files they are.
pub fn write(folder: &Path, output: &mut impl Write) -> Result<(), Error> {
    let file_error = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    fs::create_dir_all(folder).map_err(file_error(folder))?;
    for (name, text) in files()? {
        let path = folder.join(name);
        fs::write(&path, text).map_err(file_error(&path))?;
        writeln!(output, "{}", path.display())?;
    }
    Ok(())
}

/// Writes all definitions as one stream of YAML documents, as `kubectl apply -f -` takes it.
pub fn print(output: &mut impl Write) -> Result<(), Error> {
    for (_, text) in files()? {
        writeln!(output, "---\n{}", text.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_definitions_are_what_the_types_say() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        if std::env::var_os("UPDATE_CRDS").is_some() {
            write(&folder, &mut io::sink()).unwrap();
        }
        for (name, text) in files().unwrap() {
            let committed = fs::read_to_string(folder.join(&name)).unwrap_or_default();
            assert!(committed == text, "crds/{name} is not what `leadflow crds` writes; run this test with UPDATE_CRDS=1");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), files().unwrap().len(), "crds/ holds a file that nobody generates");
    }

    #[test]
    fn the_stream_reads_back_as_the_definitions() {
        let mut text = Vec::new();
        print(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.matches("\n---\n").count() + 1, crds().len());
        for ((_, definition), document) in crds().into_iter().zip(text.split("---\n").skip(1)) {
            let read: serde_json::Value = serde_saphyr::from_str(document).unwrap();
            assert_eq!(read, definition);
        }
    }
}
