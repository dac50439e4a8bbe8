//! The files of a folder, and the documents in them.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use super::FolderError;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file as it was.
#[derive(Clone, PartialEq, Eq)]
pub struct ManifestFile {
    pub name: String,
    pub text: String,
}

/// One document of a file.
pub struct Document {
    pub file: String,
    /// From 1; empty documents are not counted.
    pub number: usize,
    pub value: Value,
}

/// Reads all `*.yaml`, `*.yml` and `*.json` of a folder, by name; not those of its sub-folders, and no hidden ones.
pub fn files(folder: &Path) -> Result<Vec<ManifestFile>, Vec<FolderError>> {
    let unreadable = |error: io::Error| {
        vec![FolderError { file: folder.display().to_string(), message: format!("can't be read: {error}"), ..FolderError::default() }]
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        names.extend(name.to_str().filter(|name| is_manifest(name)).map(str::to_owned));
    }
    names.sort_unstable();
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match text(&folder.join(&name)) {
            Ok(Some(text)) => files.push(ManifestFile { name, text }),
            Ok(None) => {}
            Err(message) => errors.push(FolderError { file: name, message, ..FolderError::default() }),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(errors) }
}

fn is_manifest(name: &str) -> bool {
    !name.starts_with('.') && [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

/// The text of a file; none for a folder, and for a file that was removed since the folder was listed.
fn text(path: &Path) -> Result<Option<String>, String> {
    let about = match fs::metadata(path) {
        Ok(about) if about.is_file() => about,
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("can't be read: {error}")),
    };
    if about.len() > LARGEST {
        return Err(format!("is larger than {} MiB; split it", LARGEST / 1024 / 1024));
    }
    fs::read_to_string(path).map(Some).map_err(|error| format!("can't be read: {error}"))
}

/// The documents of a file. JSON is YAML too, so that one parser reads both.
pub fn documents(file: &ManifestFile) -> Result<Vec<Document>, FolderError> {
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let values: Vec<Value> = serde_saphyr::from_multiple_with_options(&file.text, options).map_err(|error| FolderError {
        file: file.name.clone(),
        message: format!("is not YAML: {error}"),
        ..FolderError::default()
    })?;
    let documents = values.into_iter().enumerate();
    Ok(documents.map(|(at, value)| Document { file: file.name.clone(), number: at + 1, value }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_manifests_of_the_folder_itself_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a.yaml", "c.json", "notes.txt", ".hidden.yaml", "a.yaml~"] {
            fs::write(folder.path().join(name), "{}").unwrap();
        }
        fs::create_dir(folder.path().join("more.yaml")).unwrap();
        let names: Vec<_> = files(folder.path()).ok().unwrap().into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["a.yaml", "b.yml", "c.json"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_by_name() {
        let errors = files(Path::new("no/such/folder")).err().unwrap();
        assert!(errors[0].to_string().starts_with("no/such/folder: can't be read"), "{}", errors[0]);
    }

    #[test]
    fn several_documents_are_numbered_and_empty_ones_left_out() {
        let file = ManifestFile { name: "a.yaml".into(), text: "# nothing\n---\nkind: A\n---\n---\nkind: B\n".into() };
        let documents = documents(&file).unwrap();
        let kinds: Vec<_> = documents.iter().map(|document| (document.number, document.value["kind"].as_str().unwrap())).collect();
        assert_eq!(kinds, [(1, "A"), (2, "B")]);
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line_and_without_its_text() {
        let file = ManifestFile { name: "a.yaml".into(), text: "kind: Secret\nstringData: {key: s3cret\n".into() };
        let error = documents(&file).err().unwrap().to_string();
        assert!(error.starts_with("a.yaml: is not YAML:") && error.contains("line"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
