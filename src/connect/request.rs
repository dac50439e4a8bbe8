//! One delivery's request, rendered: what is made durable before the first byte is sent.

use super::template::{Scope, TooLarge};
use crate::api::endpoint::{Encoding, HttpMethod};
use crate::lead::{Delivery, Lead, Request};
use crate::table::endpoint::EndpointRules;

/// Longest value of a rendered header, in bytes.
const LONGEST_HEADER: usize = 4096;

/// What templates may tell of a recipient.
#[derive(Clone, Copy)]
pub struct RecipientView<'a> {
    /// Name of the Agent or Buyer.
    pub name: &'a str,
    pub display_name: &'a str,
    pub email: Option<&'a str>,
    pub phone: Option<&'a str>,
    /// Name of the contract, for buyers.
    pub contract: Option<&'a str>,
}

/// Why a request can't be made of this lead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("spec.http.body: {0}; send fewer or shorter fields")]
    Body(#[from] TooLarge),
    #[error("spec.http.headers.{0}: the value has control characters or more than {LONGEST_HEADER} bytes; send this field in the body")]
    Header(String),
}

/// Renders the request of a delivery. The same inputs give the same bytes.
pub fn render(endpoint: &EndpointRules, lead: &Lead, recipient: &RecipientView<'_>, delivery: &Delivery) -> Result<Request, RenderError> {
    let scope = Scope { lead, recipient, delivery };
    let mut headers = Vec::with_capacity(endpoint.headers.len());
    for (name, text) in &endpoint.headers {
        if let Some(value) = text.render(&scope) {
            if value.len() > LONGEST_HEADER || value.chars().any(char::is_control) {
                return Err(RenderError::Header(name.to_string()));
            }
            headers.push((name.to_string(), value));
        }
    }
    let (content_type, body) = match endpoint.encoding {
        Encoding::JSON => ("application/json", endpoint.body.json(&scope)?),
        Encoding::Form => ("application/x-www-form-urlencoded", endpoint.body.form(&scope)?),
    };
    let method = match endpoint.method {
        HttpMethod::POST => "POST",
        HttpMethod::PUT => "PUT",
    };
    Ok(Request { method: method.to_owned(), url: endpoint.url.to_string(), headers, content_type: content_type.to_owned(), body })
}
