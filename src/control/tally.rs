//! How many objects say what of themselves, as a metric.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::IntGaugeVec;

use crate::cluster::index::Index;

/// Namespace, kind, condition, status.
type Row = [String; 4];

/// The gauge, and the rows that it shows.
pub struct Tally {
    objects: IntGaugeVec,
    shown: Mutex<BTreeSet<Row>>,
}

impl Tally {
    pub fn new(objects: IntGaugeVec) -> Self {
        Self { objects, shown: Mutex::default() }
    }

    /// Shows what is known now.
    pub fn show(&self, index: &Index) {
        let counts = counts(index);
        for (row, count) in &counts {
            self.objects.with_label_values(row).set(*count);
        }
        self.keep(counts.into_keys().collect());
    }

    /// Shows nothing: another operator does.
    pub fn clear(&self) {
        self.keep(BTreeSet::new());
    }

    /// Takes away rows that are shown and not among these.
    fn keep(&self, rows: BTreeSet<Row>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for row in shown.difference(&rows) {
            // One that is not there is as good.
            let _ = self.objects.remove_label_values(row);
        }
        *shown = rows;
    }
}

fn counts(index: &Index) -> BTreeMap<Row, i64> {
    let mut counts = BTreeMap::new();
    for (namespace, object, seen) in index.statuses() {
        for condition in &seen.conditions {
            let row = [namespace.to_owned(), object.kind.as_str().to_owned(), condition.type_.clone(), condition.status.clone()];
            *counts.entry(row).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::json;

    use super::*;
    use crate::cluster::index::{Content, Event, Item, WatchId};
    use crate::cluster::rule::{Rule, Seen};
    use crate::ops::metrics::Metrics;
    use crate::table::Kind;

    fn agent(name: &str, accepted: &str) -> Event {
        let object =
            json!({"apiVersion": "leadflow.dev/v1alpha1", "kind": "Agent", "metadata": {"name": name}, "spec": {"deliverTo": "crm"}});
        let conditions =
            json!([{"type": "Accepted", "status": accepted, "reason": "R", "message": "", "lastTransitionTime": "2026-11-22T00:00:00Z"}]);
        let seen = Seen { conditions: serde_json::from_value(conditions).unwrap(), ..Seen::default() };
        let rule = Rule::read(Kind::Agent, object).unwrap();
        let content = Content::Rule { rule, seen: Box::new(seen) };
        Event::Changed(Item { namespace: "sales".into(), name: name.into(), metadata: ObjectMeta::default(), content })
    }

    #[test]
    fn objects_are_counted_by_what_they_say_and_rows_that_are_over_go() {
        let watch = WatchId { kind: Kind::Agent, part: None };
        let mut index = Index::new([watch.clone()]);
        let metrics = Metrics::new().unwrap();
        let tally = Tally::new(metrics.objects.clone());
        let shown = || metrics.text().lines().filter(|line| line.starts_with("leadflow_objects{")).map(str::to_owned).collect::<Vec<_>>();
        for (name, accepted) in [("a", "True"), ("b", "True"), ("c", "False")] {
            index.take(&watch, agent(name, accepted));
        }
        tally.show(&index);
        assert_eq!(
            shown(),
            [
                r#"leadflow_objects{condition="Accepted",kind="Agent",namespace="sales",status="False"} 1"#,
                r#"leadflow_objects{condition="Accepted",kind="Agent",namespace="sales",status="True"} 2"#,
            ]
        );
        index.take(&watch, agent("c", "True"));
        tally.show(&index);
        assert_eq!(shown(), [r#"leadflow_objects{condition="Accepted",kind="Agent",namespace="sales",status="True"} 3"#]);
        tally.clear();
        assert!(shown().is_empty());
    }
}
