//! What the API server wrote down about writes.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;

/// The audit log from one moment on.
pub struct Audit {
    file: PathBuf,
    from: u64,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Write {
    pub user: String,
    /// The pod whose token it was.
    pub pod: String,
    /// `verb group/resource/subresource namespace/name`.
    pub object: String,
    pub namespace: String,
    pub resource: String,
    /// RFC 3339, with microseconds: it sorts as text.
    pub at: String,
}

impl Audit {
    /// From now on; `None` where the cluster keeps no audit log that can be read.
    pub fn start() -> Option<Self> {
        let file = PathBuf::from(std::env::var_os("LEADFLOW_E2E_AUDIT_LOG")?);
        let from = std::fs::metadata(&file).ok()?.len();
        Some(Self { file, from })
    }

    /// The writes by service accounts since the start.
    pub fn writes(&self) -> Vec<Write> {
        let mut file = File::open(&self.file).expect("the audit log is there");
        file.seek(SeekFrom::Start(self.from)).expect("the log only grows");
        BufReader::new(file)
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .filter(|event| event["stage"] == "ResponseComplete")
            .filter_map(|event| write(&event))
            .collect()
    }
}

fn write(event: &Value) -> Option<Write> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let user = text("/user/username");
    let verb = text("/verb");
    let is_write = matches!(verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection");
    if !is_write || !user.starts_with("system:serviceaccount:") {
        return None;
    }
    let subresource = text("/objectRef/subresource");
    let (namespace, resource) = (text("/objectRef/namespace"), text("/objectRef/resource"));
    let object = format!("{verb} {}/{resource}/{subresource} {namespace}/{}", text("/objectRef/apiGroup"), text("/objectRef/name"));
    let pod = event.pointer("/user/extra/authentication.kubernetes.io~1pod-name/0").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(Write { user, pod, object, namespace, resource, at: text("/requestReceivedTimestamp") })
}
