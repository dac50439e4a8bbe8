//! In which namespaces to look.

use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};

/// Namespaces that are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole cluster.
    All,
    /// These, each with watches of its own, so that rights in them are enough.
    Namespaces(Vec<String>),
}

impl Scope {
    /// Those named, or all when none is.
    pub fn of(namespaces: Vec<String>) -> Self {
        if namespaces.is_empty() { Self::All } else { Self::Namespaces(namespaces) }
    }

    /// One entry for each watch of a kind: a namespace, or `None` for the whole cluster.
    pub fn parts(&self) -> Vec<Option<String>> {
        match self {
            Self::All => vec![None],
            Self::Namespaces(names) => names.iter().cloned().map(Some).collect(),
        }
    }
}

/// Access to a kind in one part of a scope.
pub fn api<K>(client: &Client, part: Option<&str>) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope>,
    K::DynamicType: Default,
{
    match part {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}
