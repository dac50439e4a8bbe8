//! No call to the API server without a deadline: the client itself would wait and try again for minutes.

use std::future::Future;
use std::time::Duration;

/// How long a single call may take, the client's own repetitions included.
pub const CALL: Duration = Duration::from_secs(10);

/// Why a call gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the API server did not answer within {} s", CALL.as_secs())]
    Late,
    #[error(transparent)]
    Kube(#[from] kube::Error),
}

/// What the API server means by a refusal, as far as somebody acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    NotFound,
    Conflict,
    Forbidden,
    /// The object, not the time, is at fault.
    Invalid,
    /// Later it may work.
    Unavailable,
}

impl Failure {
    /// Whether the API server does not know a field that was applied. It says so in words alone, with the status 500.
    pub fn is_of_an_undeclared_field(&self) -> bool {
        matches!(self, Self::Kube(kube::Error::Api(status)) if status.message.contains("field not declared in schema"))
    }

    pub fn meaning(&self) -> Meaning {
        match self {
            // A path that is not served is answered without a reason.
            Self::Kube(kube::Error::Api(status)) if status.is_not_found() || status.code == 404 => Meaning::NotFound,
            Self::Kube(kube::Error::Api(status)) if status.code == 409 => Meaning::Conflict,
            Self::Kube(kube::Error::Api(status)) if status.is_forbidden() || status.code == 401 => Meaning::Forbidden,
            Self::Kube(kube::Error::Api(status)) if status.is_invalid() || status.code == 400 => Meaning::Invalid,
            Self::Kube(kube::Error::SerdeError(_) | kube::Error::BuildRequest(_)) => Meaning::Invalid,
            Self::Kube(_) | Self::Late => Meaning::Unavailable,
        }
    }
}

/// Waits for a call, but not for ever.
pub async fn bounded<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::Late),
    }
}
