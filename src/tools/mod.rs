//! The tools of the command line. They write to what they are given, so that a test can read it.

pub mod crds;
