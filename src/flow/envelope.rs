//! What goes to the store sealed: the lead with its submission, and the requests made of it.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::arrive::{Kept, LEAD_PURPOSE};
use crate::lead::{LeadId, Request};
use crate::store::Sealed;
use crate::store::seal::{SealError, Sealer};

/// What a request is sealed for.
const REQUEST_PURPOSE: &str = "request";

/// Why an envelope could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The content is not what it should be. The cause is left out: it may quote the content.
    #[error("the content can't be read")]
    Content,
}

/// Opens what ingest sealed.
pub fn open(sealer: &Sealer, lead: LeadId, sealed: &Sealed) -> Result<Kept, EnvelopeError> {
    read(sealer, lead, LEAD_PURPOSE, sealed)
}

pub fn seal_request(sealer: &Sealer, lead: LeadId, request: &Request) -> Result<Sealed, EnvelopeError> {
    close(sealer, lead, REQUEST_PURPOSE, request)
}

pub fn open_request(sealer: &Sealer, lead: LeadId, sealed: &Sealed) -> Result<Request, EnvelopeError> {
    read(sealer, lead, REQUEST_PURPOSE, sealed)
}

fn close(sealer: &Sealer, lead: LeadId, purpose: &'static str, content: &impl Serialize) -> Result<Sealed, EnvelopeError> {
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(content).map_err(|_| EnvelopeError::Content)?);
    Ok(sealer.seal(lead, purpose, &plain)?)
}

fn read<T: DeserializeOwned>(sealer: &Sealer, lead: LeadId, purpose: &'static str, sealed: &Sealed) -> Result<T, EnvelopeError> {
    let plain = zeroize::Zeroizing::new(sealer.open(lead, purpose, sealed)?);
    serde_json::from_slice(&plain).map_err(|_| EnvelopeError::Content)
}
