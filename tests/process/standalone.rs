//! One process from a folder of manifests.
