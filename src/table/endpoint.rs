//! An Endpoint, compiled.
