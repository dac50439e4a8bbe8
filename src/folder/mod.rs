//! Rules from a folder of manifests: the place of the API server, for `standalone`.
//!
//! [`documents`] reads the files, [`schema`] holds each document to its CustomResourceDefinition as strictly as the API server does,
//! [`rules`] to the definition's CEL rules and unique lists, [`secret`] opens Secrets. [`read`](read::read) puts all of it together,
//! [`watch`](watch::watch) does so again whenever a file changes. [`origin`] tells which document an object was read from, [`positions`] where in it a field
//! stands.

pub mod documents;
pub mod origin;
pub mod positions;
pub mod read;
pub mod rules;
pub mod schema;
pub mod secret;
pub mod watch;

use std::fmt;

use crate::table::{Objects, Secrets};

pub use origin::blame;
pub use read::read;
pub use watch::watch;

/// What a folder holds, or all that is wrong with it.
pub type Reading = Result<(Objects, Secrets), Vec<FolderError>>;

/// Something wrong in a folder. It shows no value but those of closed lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderError {
    /// Name of the file, or of the folder itself.
    pub file: String,
    /// Number of the document in its file, from 1; none for what concerns the whole file.
    pub document: Option<usize>,
    /// `Agent/sarah-lee`, as far as it is known.
    pub object: Option<String>,
    /// Path of the field, such as `spec.tiers[0].method.type`; none for what concerns the whole document.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl std::error::Error for FolderError {}

/// `agents.yaml:2 (Agent/sarah-lee): spec.deliverTo: must be given`
impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(number) = self.document {
            write!(f, ":{number}")?;
        }
        if let Some(object) = &self.object {
            write!(f, " ({object})")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Something wrong in one document, before it is known which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Path of the field; empty for the whole document.
    pub field: String,
    pub message: String,
}

impl Wrong {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The path of a field of a field: a word is joined by a dot, other keys stand in brackets.
fn below(path: &str, key: &str) -> String {
    let word = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path.is_empty(), word) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (false, false) => format!("{path}[{key}]"),
    }
}
