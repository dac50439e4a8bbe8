//! The same matching by others.

use leadflow::lead::Lead;

use crate::Figures;

pub fn figures(_leads: &[Lead], _figures: &mut Figures) {}
