//! `leadflow status`: an Exchange on one screen.
//!
//! [`gather`] asks the cluster, [`view`] makes of the answers what there is to say, [`parts`] its parts, [`text`] writes it for people.

mod gather;
mod parts;
mod text;
mod view;

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

pub use gather::gather;
pub use text::text;
pub use view::{Gathered, View, view};

use super::cluster::{Cluster, ClusterError};
use super::object;
use super::page::Paint;
use super::places::ours;
use crate::flow::ports::Clock;
use crate::settings::{Output, StatusSettings};

/// Why there is no status.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("can't write: {0}")]
    Write(#[from] io::Error),
}

/// Top left, and nothing below.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Writes the status, once or again and again.
pub async fn run(settings: &StatusSettings, clock: &dyn Clock, paint: Paint, out: &mut impl Write) -> Result<(), StatusError> {
    let cluster = Cluster::connect(&settings.cluster).await?;
    let Some(seconds) = settings.watch else { return write(&cluster, settings, clock, paint, out).await };
    loop {
        let mut screen = Vec::new();
        // What can't be had now may be had the next time.
        if let Err(error) = write(&cluster, settings, clock, paint, &mut screen).await {
            writeln!(screen, "{error}")?;
        }
        if settings.output == Output::Text {
            out.write_all(CLEAR.as_bytes())?;
        }
        out.write_all(&screen)?;
        out.flush()?;
        tokio::time::sleep(Duration::from_secs(seconds.max(1).into())).await;
    }
}

async fn write(
    cluster: &Cluster,
    settings: &StatusSettings,
    clock: &dyn Clock,
    paint: Paint,
    out: &mut impl Write,
) -> Result<(), StatusError> {
    let views = views(cluster, settings, clock).await?;
    match settings.output {
        Output::Json => writeln!(out, "{:#}", json!({"exchanges": views}))?,
        Output::Text => {
            let screens: Vec<_> = views.iter().map(|view| text(view, clock.now(), paint)).collect();
            out.write_all(screens.join("\n").as_bytes())?;
        }
    }
    Ok(())
}

/// The views of all Exchanges in question.
pub async fn views(cluster: &Cluster, settings: &StatusSettings, clock: &dyn Clock) -> Result<Vec<View>, ClusterError> {
    let namespace = (!settings.all_namespaces).then_some(cluster.namespace.as_str());
    let exchanges = match &settings.exchange {
        Some(name) => vec![cluster.get(&format!("{}/{name}", ours(namespace, "exchanges"))).await?],
        None => cluster.list(&ours(namespace, "exchanges"), "").await?,
    };
    if exchanges.is_empty() {
        return Err(namespace.map_or(ClusterError::NoExchangeAnywhere, |name| ClusterError::NoExchange(name.to_owned())));
    }
    let mut views = Vec::new();
    for exchange in exchanges {
        let namespace = object::text(&exchange, "/metadata/namespace").to_owned();
        views.push(view(&gather(cluster, &namespace, exchange, &settings.operator_namespace).await?, clock.now()));
    }
    Ok(views)
}

#[cfg(test)]
mod tests;
