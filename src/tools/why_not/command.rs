//! The tool: asks a router.

use std::io::{self, Write};

use super::judge::WhyNot;
use super::text::text;
use crate::settings::{Output, WhyNotSettings};
use crate::tools::admin_port::{AskError, reach};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhyNotError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the router's answer can't be read; use the same version of leadflow as the router: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Asks, and writes the answer.
pub async fn run(settings: &WhyNotSettings, out: &mut impl Write) -> Result<(), WhyNotError> {
    let key = key(&settings.recipient);
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("recipient", &key).finish();
    let answer = reach(&settings.router).await?.get(&format!("leads/{}/why-not?{query}", settings.lead)).await?;
    match settings.output {
        Output::Json => writeln!(out, "{answer:#}")?,
        Output::Text => {
            let answer: WhyNot = serde_json::from_value(answer)?;
            out.write_all(text(&answer).as_bytes())?;
        }
    }
    Ok(())
}

/// `sarah-lee` is an agent, `acme/north` a contract; `agent/…` and `buyer/…/…` are as explanations write them.
fn key(name: &str) -> String {
    match name.split('/').collect::<Vec<_>>()[..] {
        [agent] => format!("agent/{agent}"),
        [first, _] if first != "agent" => format!("buyer/{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_go_by_their_short_and_by_their_whole_names() {
        for (name, whole) in [
            ("sarah-lee", "agent/sarah-lee"),
            ("agent/sarah-lee", "agent/sarah-lee"),
            ("acme/north", "buyer/acme/north"),
            ("buyer/acme/north", "buyer/acme/north"),
        ] {
            assert_eq!(key(name), whole);
        }
    }
}
