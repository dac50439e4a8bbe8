//! Bodies and headers with `{{ path }}` in them.
//!
//! A template is compiled once, against the schema, into literals and [`Path`]s; rendering only looks values up. Values never become part of the
//! syntax: JSON is written by serde_json, forms by form_urlencoded, headers refuse control characters.

mod body;
mod path;
mod text;

pub use body::{Template, TooLarge};
pub use path::{Found, Path, Scope};
pub use text::Text;
