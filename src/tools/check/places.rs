//! Where in which file a finding stands.

use std::collections::HashMap;

use super::finding::Finding;
use crate::folder::documents::ManifestFile;
use crate::folder::origin;
use crate::folder::positions::{Positions, positions};
use crate::table::{Kind, ObjectRef, Objects};

/// The files of a folder.
pub struct Places {
    /// Path of the folder, as it was given.
    folder: String,
    /// By file, document by document.
    files: HashMap<String, Vec<Positions>>,
    /// By object, as findings name it: its file and the document's number there, from 1.
    objects: HashMap<String, (String, usize)>,
}

impl Places {
    pub fn new(folder: &str, files: &[ManifestFile], objects: &Objects) -> Self {
        let origins =
            named(objects).filter_map(|object| Some((format!("{}/{}", object.kind.as_str(), object.name), origin::of(objects, &object)?)));
        Self {
            folder: folder.trim_end_matches('/').to_owned(),
            files: files.iter().map(|file| (file.name.clone(), positions(file))).collect(),
            objects: origins.collect(),
        }
    }

    /// The finding with its file, line and column. `document` is the document's number, when the finding names a file and no object that was read.
    pub fn place(&self, finding: Finding, document: Option<usize>) -> Finding {
        if finding.line.is_some() {
            return finding;
        }
        let known = match (&finding.file, document) {
            (Some(file), _) => Some((file.clone(), document)),
            (None, _) => {
                finding.object.as_ref().and_then(|object| self.objects.get(object)).map(|(file, number)| (file.clone(), Some(*number)))
            }
        };
        let Some((file, number)) = known else { return finding };
        let positions = number.and_then(|number| self.files.get(&file)?.get(number.checked_sub(1)?));
        let position = positions.map(|positions| positions.of(finding.field.as_deref().unwrap_or_default()));
        // A folder that can't be read is its own file.
        let file = if file == self.folder { file } else { format!("{}/{file}", self.folder) };
        Finding { file: Some(file), line: position.map(|(line, _)| line), column: position.map(|(_, column)| column), ..finding }
    }
}

fn named(objects: &Objects) -> impl Iterator<Item = ObjectRef> + '_ {
    let of = |kind: Kind| move |name: &String| ObjectRef { kind, name: name.clone() };
    (objects.exchanges.keys().map(of(Kind::Exchange)))
        .chain(objects.sources.keys().map(of(Kind::LeadSource)))
        .chain(objects.agents.keys().map(of(Kind::Agent)))
        .chain(objects.buyers.keys().map(of(Kind::Buyer)))
        .chain(objects.endpoints.keys().map(of(Kind::Endpoint)))
        .chain(objects.policies.keys().map(of(Kind::RoutingPolicy)))
}
