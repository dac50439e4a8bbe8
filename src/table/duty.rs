//! What a pod is there for.

use std::fmt;

use super::references::Role;

/// The work of a pod: one role, or with the embedded store both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Duty {
    Ingest,
    Router,
    Standalone,
}

impl Duty {
    pub const ALL: [Self; 3] = [Self::Ingest, Self::Router, Self::Standalone];

    /// As the command line, labels and names of objects write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => Role::Ingest.as_str(),
            Self::Router => Role::Router.as_str(),
            Self::Standalone => "standalone",
        }
    }

    pub fn roles(self) -> &'static [Role] {
        match self {
            Self::Ingest => &[Role::Ingest],
            Self::Router => &[Role::Router],
            Self::Standalone => &Role::ALL,
        }
    }

    pub fn plays(self, role: Role) -> bool {
        self.roles().contains(&role)
    }
}

impl From<Role> for Duty {
    fn from(role: Role) -> Self {
        match role {
            Role::Ingest => Self::Ingest,
            Role::Router => Self::Router,
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
