//! The tools of the command line. They write to what they are given, so that a test can read it.
//!
//! [`crds`] writes the CustomResourceDefinitions. [`explain`], [`close`] and [`release`] ask a router's admin port ([`admin_port`]); [`explanation`] is what it
//! answers, [`explanation_text`] how people read it, [`explanation_mermaid`] how it is drawn. [`why_not`] speaks of one recipient. [`flowchart`] draws a policy; [`check`] says all that is wrong with a
//! folder of manifests. [`simulate`] tells what rules would do. [`parties`] are agents and contracts as manifests have them, [`precedence`] is the order of policies, [`posted_leads`]
//! are leads of a file. [`load`] posts many leads and measures, [`quantiles`] and [`flush`] with it. [`kubectl`] speaks to a cluster: `status`, `circuit`, `send-test`, `report`. [`receiver`] is the sample CRM of `quickstart`.
//! are leads of a file. [`probe`] waits until a process is ready. [`load`] posts many leads and measures, [`quantiles`] and [`flush`] with it. [`receiver`] is the sample CRM of `quickstart`.

pub mod admin_port;
pub mod check;
pub mod close;
pub mod crds;
pub mod explain;
pub mod explanation;
pub mod explanation_mermaid;
pub mod explanation_text;
pub mod flowchart;
pub mod flush;
pub mod kubectl;
pub mod load;
pub mod parties;
pub mod posted_leads;
pub mod precedence;
pub mod probe;
pub mod quantiles;
pub mod receiver;
pub mod release;
pub mod simulate;
pub mod why_not;
