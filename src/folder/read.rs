//! Reads a folder whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::documents::{Document, ManifestFile, documents, files};
use super::{FolderError, Reading, Wrong, origin, rules, schema, secret};
use crate::api::{GROUP, VERSION};
use crate::table::objects::Kind;
use crate::table::{Objects, Secrets};

/// Reads all manifests of a folder: the kinds of LeadFlow, and Secrets. A folder is one namespace.
///
/// # Errors
/// All that is wrong with the folder, in order of its files and documents. Nothing of a folder with an error is used.
pub fn read(folder: &Path) -> Reading {
    understand(&files(folder)?)
}

/// Makes objects of manifests.
pub fn understand(files: &[ManifestFile]) -> Reading {
    let mut folder = Folder::default();
    for file in files {
        match documents(file) {
            Ok(documents) => documents.into_iter().for_each(|document| folder.add(document)),
            Err(error) => folder.errors.push(error),
        }
    }
    if folder.errors.is_empty() { Ok((folder.objects, Secrets(folder.secrets))) } else { Err(folder.errors) }
}

/// What was read so far.
#[derive(Default)]
struct Folder {
    objects: Objects,
    secrets: HashMap<String, Arc<crate::table::secrets::Entries>>,
    seen: HashSet<String>,
    namespace: Option<String>,
    errors: Vec<FolderError>,
}

impl Folder {
    fn add(&mut self, document: Document) {
        let text = |pointer| document.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name, namespace) = (text("/kind"), text("/metadata/name"), text("/metadata/namespace"));
        let object = (!kind.is_empty()).then(|| if name.is_empty() { kind.clone() } else { format!("{kind}/{name}") });
        let place = FolderError { file: document.file, document: Some(document.number), object: object.clone(), ..FolderError::default() };
        let mut wrongs = Vec::new();
        if let Some(object) = object.filter(|_| !name.is_empty())
            && !self.seen.insert(object)
        {
            wrongs.push(Wrong::new("metadata.name", "is there twice in this folder"));
        }
        if !namespace.is_empty() && self.namespace.get_or_insert_with(|| namespace.clone()) != &namespace {
            wrongs.push(Wrong::new("metadata.namespace", "differs from that of another manifest; a folder is one namespace"));
        }
        if wrongs.is_empty()
            && let Err(more) = self.keep(&text("/apiVersion"), &kind, name, document.value, &place)
        {
            wrongs = more;
        }
        self.errors.extend(wrongs.into_iter().map(|wrong| FolderError {
            field: (!wrong.field.is_empty()).then_some(wrong.field),
            message: wrong.message,
            ..place.clone()
        }));
    }

    fn keep(&mut self, api_version: &str, kind: &str, name: String, value: Value, place: &FolderError) -> Result<(), Vec<Wrong>> {
        if (api_version, kind) == ("v1", "Secret") {
            if name.is_empty() {
                return Err(vec![Wrong::new("metadata.name", "must be given")]);
            }
            self.secrets.insert(name, Arc::new(secret::entries(value)?));
            return Ok(());
        }
        let known = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        match known.filter(|_| api_version == format!("{GROUP}/{VERSION}")) {
            Some(Kind::Exchange) => put(&mut self.objects.exchanges, kind, value, place),
            Some(Kind::LeadSource) => put(&mut self.objects.sources, kind, value, place),
            Some(Kind::Agent) => put(&mut self.objects.agents, kind, value, place),
            Some(Kind::Buyer) => put(&mut self.objects.buyers, kind, value, place),
            Some(Kind::Endpoint) => put(&mut self.objects.endpoints, kind, value, place),
            Some(Kind::RoutingPolicy) => put(&mut self.objects.policies, kind, value, place),
            None => {
                let kinds = Kind::ALL.map(Kind::as_str).join(", ");
                Err(vec![Wrong::new("kind", format!("a folder holds {kinds} of apiVersion {GROUP}/{VERSION}, and Secret of v1"))])
            }
        }
    }
}

/// Keeps an object of its kind's type, when it is as its definition wants it.
fn put<T>(objects: &mut BTreeMap<String, Arc<T>>, kind: &str, mut value: Value, place: &FolderError) -> Result<(), Vec<Wrong>>
where
    T: DeserializeOwned + Serialize + kube::Resource,
{
    let whole = |message: String| vec![Wrong::new("", message)];
    let schema = schema::of(kind).map_err(whole)?.ok_or_else(|| whole("has no definition".to_owned()))?;
    let wrongs = schema.check(&value);
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
    }
    let mut object: T = serde_json::from_value(value).map_err(|error| whole(format!("can't be read: {error}")))?;
    let with_defaults = serde_json::to_value(&object).map_err(|error| whole(format!("can't be read: {error}")))?;
    let wrongs = rules::check(&schema.schema, &with_defaults);
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    let name = object.name_any();
    *object.meta_mut() = metadata(kind, &name, object.meta(), place);
    objects.insert(name, Arc::new(object));
    Ok(())
}

/// What the API server would have set, made of kind and name so that it is the same at each reading.
fn metadata(kind: &str, name: &str, given: &ObjectMeta, place: &FolderError) -> ObjectMeta {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(format!("{kind}/{name}").as_bytes()).as_bytes()[..16]);
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: given.namespace.clone(),
        labels: given.labels.clone(),
        annotations: Some(origin::annotations(&place.file, place.document.unwrap_or_default(), given.annotations.as_ref())),
        generation: Some(1),
        uid: Some(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::condition::Reason;
    use crate::table::{ObjectRef, Problem, Rejected};

    const POLICY: &str = include_str!("testdata/policy.yaml");
    const AGENT: &str = "apiVersion: leadflow.dev/v1alpha1\nkind: Agent\nmetadata: {name: sarah-lee}\nspec: {deliverTo: crm}\n";

    fn file(text: &str) -> ManifestFile {
        ManifestFile { name: "rules.yaml".into(), text: text.into() }
    }

    fn errors(text: &str) -> Vec<String> {
        understand(&[file(text)]).unwrap_err().iter().map(ToString::to_string).collect()
    }

    /// The one error of the policy with one text of it replaced.
    fn error(from: &str, to: &str) -> String {
        assert!(POLICY.contains(from));
        let errors = errors(&POLICY.replacen(from, to, 1));
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].strip_prefix("rules.yaml:1 (RoutingPolicy/residential): ").unwrap().to_owned()
    }

    #[test]
    fn objects_have_defaults_and_the_same_identity_at_each_reading() {
        let (objects, _) = understand(&[file(POLICY), file(AGENT)]).unwrap();
        let policy = &objects.policies["residential"];
        assert_eq!((policy.spec.max_recipients, policy.spec.within_seconds, policy.metadata.generation), (1, 60, Some(1)));
        let again = understand(&[file(AGENT), file(POLICY)]).unwrap().0;
        assert_eq!(again, objects);
        assert_ne!(policy.metadata.uid, objects.agents["sarah-lee"].metadata.uid);
    }

    #[test]
    fn what_is_wrong_with_the_rules_as_a_whole_is_told_with_its_file_and_document() {
        let (objects, _) = understand(&[file(&format!("{POLICY}---\n{AGENT}"))]).unwrap();
        let object = ObjectRef { kind: Kind::Agent, name: "sarah-lee".to_owned() };
        let problem = Problem::new("spec.deliverTo", "there is no valid Endpoint 'crm'");
        let told = origin::blame(&objects, &[Rejected { object, problem, reason: Reason::EndpointNotFound }]);
        assert_eq!(told[0].to_string(), "rules.yaml:2 (Agent/sarah-lee): spec.deliverTo: there is no valid Endpoint 'crm'");
    }

    #[test]
    fn what_the_schema_refuses_is_told_with_its_path() {
        let wrong = error("type: RoundRobin", "type: Foo");
        assert_eq!(
            wrong,
            r#"spec.tiers[1].method.type: "Foo" is not one of "Priority", "RoundRobin", "Weighted", "Attainment", "HighestPrice", "Score", "LeastLoaded", "Sticky""#
        );
        assert_eq!(error("maxRecipients: 1", "maxRecipients: 0"), "spec.maxRecipients: must be 1 or more");
        assert_eq!(error("maxRecipients: 1", "maxRecipients: one"), "spec.maxRecipients: must be of type integer, not string");
        assert_eq!(error("name: anyone", "when: 'true'"), "spec.tiers[1].name: must be given");
        assert_eq!(
            error("'recipient.conversionRate * 10.0 - recipient.load'", "''"),
            "spec.tiers[0].method.score.expression: must not be empty"
        );
    }

    #[test]
    fn unknown_fields_are_refused_with_those_that_are_known() {
        let wrong = error("maxRecipients", "maxRecipient");
        assert!(wrong.starts_with("spec.maxRecipient: is not a field; known here: afterTimeout, fallback, maxRecipients,"), "{wrong}");
        assert!(error("metadata: {", "metadata: {nmae: x, ").starts_with("metadata.nmae: is not a field"));
    }

    #[test]
    fn rules_of_the_definition_are_tested() {
        assert_eq!(error("type: RoundRobin", "type: Score"), "spec.tiers[1].method: must give `score` for type 'Score', and for no other");
        assert_eq!(error("name: anyone", "name: territory"), "spec.tiers[1]: is there twice");
        let agent = AGENT.replace("{deliverTo: crm}", "{deliverTo: crm, accepts: [{field: location.zip, in: ['90210'], below: '3'}]}");
        let wrong = "rules.yaml:1 (Agent/sarah-lee): spec.accepts[0]: must give exactly one of `in`, `notIn`, `startsWith`, `exists`, `within`, or a range by `atLeast`, `below` or both";
        assert_eq!(errors(&agent), [wrong]);
        assert!(understand(&[file(&agent.replace(", below: '3'", ""))]).is_ok());
    }

    #[test]
    fn values_of_personal_fields_do_not_show() {
        let agent = AGENT.replace("{deliverTo: crm}", "{deliverTo: crm, contact: {phone: 867-5309}}");
        let errors = errors(&agent);
        assert!(errors[0].contains("spec.contact.phone: must match") && !errors[0].contains("5309"), "{errors:?}");
    }

    #[test]
    fn every_error_of_every_document_is_told() {
        let text = format!("{AGENT}---\n{AGENT}---\nkind: Deployment\napiVersion: apps/v1\n---\n{}", AGENT.replace("sarah-lee", "Tom Ito"));
        let errors = errors(&text);
        assert_eq!(errors[0], "rules.yaml:2 (Agent/sarah-lee): metadata.name: is there twice in this folder");
        assert!(errors[1].starts_with("rules.yaml:3 (Deployment): kind: a folder holds Exchange,"), "{errors:?}");
        assert!(errors[2].starts_with("rules.yaml:4 (Agent/Tom Ito): metadata.name: must match"), "{errors:?}");
        assert_eq!(errors.len(), 3);
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_is_told_and_never_a_panic(at in 0..POLICY.len(), len in 0..40usize, instead in ".{0,12}") {
            let end = (at + len).min(POLICY.len());
            let text = format!("{}{instead}{}", &POLICY[..at], &POLICY[end..]);
            if let Err(errors) = understand(&[file(&text)]) {
                prop_assert!(!errors.is_empty());
            }
        }
    }

    #[test]
    fn a_folder_is_one_namespace() {
        let text = format!(
            "{}---\n{}",
            AGENT.replace("{name: sarah-lee}", "{name: a, namespace: one}"),
            AGENT.replace("{name: sarah-lee}", "{name: b, namespace: two}")
        );
        assert!(errors(&text)[0].starts_with("rules.yaml:2 (Agent/b): metadata.namespace: differs"));
    }
}
