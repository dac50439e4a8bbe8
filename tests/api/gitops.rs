//! What Argo CD and Flux say of our objects in each of their states.

use std::fs;
use std::path::Path;
use std::process::Command;

use cel::{Context, Program};
use serde_json::Value;

use super::support::{Part, needed, require};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/gitops").join(path)).unwrap()
}

fn states() -> Vec<Value> {
    serde_saphyr::from_str(&read("states.yaml")).unwrap()
}

/// JSON as a Lua expression.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("[ {} ] = {}", lua(&Value::from(key.as_str())), lua(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => format!("[==[{text}]==]"),
        other => other.to_string(),
    }
}

/// What the health check says of an object: status and message.
fn argo_cd(object: &Value) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("health.lua");
    fs::write(&script, read("argocd/health.lua")).unwrap();
    // Argo CD gives the object as a global, and takes the table that the script returns.
    let run = format!("obj = {}; local hs = dofile(arg[1]); print(hs.status); print(hs.message)", lua(object));
    let driver = folder.path().join("run.lua");
    fs::write(&driver, run).unwrap();
    let output = Command::new(needed("LEADFLOW_TEST_LUA")).args([&driver, &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (status, message) = text.trim_end().split_once('\n').unwrap();
    (status.to_owned(), message.to_owned())
}

#[test]
fn argo_cd_reads_every_state() {
    if !require(&[Part::Lua]) {
        return;
    }
    let states = states();
    for state in &states {
        let (status, message) = argo_cd(&state["object"]);
        assert_eq!(state["argocd"], *status, "{}: {message}", state["state"]);
        assert!(state.get("message").is_none_or(|wanted| *wanted == *message), "{}: {message}", state["state"]);
    }
    let told: std::collections::BTreeSet<_> = states.iter().map(|state| state["argocd"].as_str().unwrap()).collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), ["Degraded", "Healthy", "Progressing", "Suspended"]);
}

#[test]
fn argo_cd_has_the_check_for_every_kind() {
    let settings: Value = serde_saphyr::from_str(&read("argocd/argocd-cm.yaml")).unwrap();
    for (kind, _) in super::house::KINDS {
        let check = &settings["data"][format!("resource.customizations.health.leadflow.dev_{kind}")];
        assert_eq!(check.as_str().unwrap().trim_end(), read("argocd/health.lua").trim_end(), "{kind}: run `make manifests`");
    }
}

/// The expressions for one kind.
fn expressions(kind: &str) -> Value {
    let kustomization: Value = serde_saphyr::from_str(&read("flux/kustomization.yaml")).unwrap();
    let all = kustomization["spec"]["healthCheckExprs"].as_array().unwrap();
    let [one] = all.iter().filter(|one| one["kind"] == kind).collect::<Vec<_>>().try_into().expect("one entry a kind");
    assert_eq!(one["apiVersion"], "leadflow.dev/v1alpha1");
    one.clone()
}

/// What Flux makes of an object: another generation is in progress; then the expressions are asked in this order; an error is asked again.
fn flux(object: &Value) -> &'static str {
    let status = &object["status"];
    if status["observedGeneration"].is_i64() && status["observedGeneration"] != object["metadata"]["generation"] {
        return "InProgress";
    }
    let expressions = expressions(object["kind"].as_str().unwrap());
    for (name, outcome) in [("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")] {
        let mut context = Context::default();
        for (key, value) in object.as_object().unwrap() {
            context.add_variable(key.as_str(), value).unwrap();
        }
        match Program::compile(expressions[name].as_str().unwrap()).unwrap().execute(&context) {
            Ok(cel::Value::Bool(true)) => return outcome,
            Ok(cel::Value::Bool(false)) => {}
            Ok(other) => panic!("{name} gives {other:?}"),
            Err(error) => {
                assert!(object.get("status").is_none(), "{name}: {error}");
                return "InProgress";
            }
        }
    }
    "InProgress"
}

#[test]
fn flux_reads_every_state() {
    for state in states() {
        assert_eq!(state["flux"], flux(&state["object"]), "{}", state["state"]);
    }
    for (kind, _) in super::house::KINDS {
        expressions(kind);
    }
}
