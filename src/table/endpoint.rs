//! An Endpoint, compiled.

use super::{Problem, schema::Schema};
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointRules;
pub fn compile(_: &crate::api::Endpoint, _: &Schema) -> Result<EndpointRules, Problem> {
    Ok(EndpointRules)
}
