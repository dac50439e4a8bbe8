//! What a source posted, as it was.

use serde::{Deserialize, Serialize};

/// The verbatim body of a post, kept (sealed) beside the lead that was made of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The media type, without parameters.
    pub content_type: String,
    /// The body. It was valid UTF-8, or it would not have been accepted.
    pub body: String,
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Submission({} of {} bytes)", self.content_type, self.body.len())
    }
}
