//! Metrics as a pod tells them, in the Prometheus text format: read back by name and label. Pure.

/// One line of metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

/// The metrics of one pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples(Vec<Sample>);

impl Samples {
    /// Reads what can be read; a line that is something else is passed over.
    pub fn read(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
    }

    /// The value of a metric without labels.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|sample| sample.name == name).map(|sample| sample.value)
    }

    /// The values of label `show` of those samples that are 1, with the value of label `by`.
    pub fn shown<'a>(&'a self, name: &'a str, by: &'a str, show: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let found = self.0.iter().filter(move |sample| sample.name == name && sample.value == 1.0);
        found.filter_map(move |sample| Some((sample.label(by)?, sample.label(show)?)))
    }

    /// The value of a label of the sample that is 1, such as the digest of the rules in force.
    pub fn one(&self, name: &str, label: &str) -> Option<&str> {
        self.0.iter().find(|sample| sample.name == name && sample.value == 1.0)?.label(label)
    }
}

impl Sample {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str())
    }
}

fn sample(line: &str) -> Option<Sample> {
    let (head, value) = line.trim().rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, rest)) = head.split_once('{') else {
        return Some(Sample { name: head.trim().to_owned(), labels: Vec::new(), value });
    };
    Some(Sample { name: name.to_owned(), labels: labels(rest.trim_end().strip_suffix('}')?)?, value })
}

/// `a="x",b="y"`, where values may hold `\"`, `\\` and `\n`.
fn labels(text: &str) -> Option<Vec<(String, String)>> {
    let (mut labels, mut rest) = (Vec::new(), text.trim_start_matches(','));
    while !rest.is_empty() {
        let (name, quoted) = rest.split_once("=\"")?;
        let (mut value, mut end) = (String::new(), None);
        let mut letters = quoted.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    end = Some(at);
                    break;
                }
                '\\' => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                other => value.push(other),
            }
        }
        labels.push((name.trim().to_owned(), value));
        rest = quoted.get(end? + 1..)?.trim_start_matches(',');
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::metrics::Metrics;

    #[test]
    fn what_a_pod_tells_is_read_back() {
        let metrics = Metrics::new().unwrap();
        metrics.queue_depth.set(7);
        metrics.circuit.with_label_values(&["crm", "tripped"]).set(1);
        metrics.circuit.with_label_values(&["crm", "serving"]).set(0);
        metrics.rules.with_label_values(&["3f2a"]).set(1);
        let samples = Samples::read(&metrics.text());
        assert_eq!(samples.value("leadflow_queue_depth"), Some(7.0));
        assert_eq!(samples.value("leadflow_no_such_thing"), None);
        assert_eq!(samples.shown("leadflow_circuit_state", "endpoint", "state").collect::<Vec<_>>(), [("crm", "tripped")]);
        assert_eq!(samples.one("leadflow_rules_info", "digest"), Some("3f2a"));
    }

    proptest! {
        #[test]
        fn any_label_is_read_back(value in "(\\PC|\n){0,20}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let samples = Samples::read(&format!("m{{a=\"{escaped}\",b=\"{escaped}\"}} 1"));
            prop_assert_eq!(samples.shown("m", "a", "b").collect::<Vec<_>>(), [(value.as_str(), value.as_str())]);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,60}") {
            Samples::read(&text);
        }
    }
}
