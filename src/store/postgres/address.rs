//! From a URL to a pool of connections.
//!
//! `sslmode` means: `disable`, `allow`, `prefer` or none: no TLS (a server that insists on it says so); `require`, `verify-ca`, `verify-full`: TLS with
//! the server's certificate and name verified, against the CA bundle of the system, or against the PEM file that `sslrootcert` names and nothing else.
//! This is stricter than libpq, whose `require` verifies nothing.
//!
//! Connections must reach the server itself or a pooler in session mode, since statements are prepared and settings are sent at the start.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DEADLINE;
use crate::store::{Result, StoreError};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Settings of every connection: time limits, and plans that look rows up by their keys whatever the statistics say. Tables grow faster than they are
/// analysed, and a plan made while a table was empty would read all of it.
const OPTIONS: &str = "-c statement_timeout=10000 -c idle_in_transaction_session_timeout=15000 -c jit=off -c enable_seqscan=off \
                       -c enable_hashjoin=off -c enable_mergejoin=off -c enable_bitmapscan=off";

/// Where the database is, and how to talk to it.
#[derive(Clone)]
pub(super) struct Address {
    pub config: Config,
    pub tls: Option<MakeRustlsConnect>,
}

impl Address {
    /// Reads a URL. No error repeats it, since it holds a password.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (url, mode, roots) = split(url.trim());
        let mut config: Config = url.parse().map_err(|_| {
            StoreError::Refused(
                "the database URL can't be read: write postgres://user:password@host:5432/database?sslmode=verify-full".into(),
            )
        })?;
        let options = config.get_options().map_or_else(|| OPTIONS.to_owned(), |own| format!("{OPTIONS} {own}"));
        config
            .application_name("leadflow")
            .options(options)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(DEADLINE)
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        let verified = match mode.as_deref() {
            Some("require" | "verify-ca" | "verify-full") => true,
            Some("disable" | "allow" | "prefer") => false,
            Some(_) => {
                return Err(StoreError::Refused("`sslmode` of the database URL is unknown: write `verify-full` or `disable`".into()));
            }
            None => config.get_ssl_mode() == SslMode::Require,
        };
        config.ssl_mode(if verified { SslMode::Require } else { SslMode::Disable });
        let tls = verified.then(|| tls(roots.as_deref())).transpose()?;
        Ok(Self { config, tls })
    }

    /// A pool that opens connections when they are needed.
    pub(super) fn pool(&self, connections: usize) -> Result<Pool> {
        let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(self.config.clone(), tls.clone(), settings),
            None => Manager::from_config(self.config.clone(), NoTls, settings),
        };
        Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .build()
            .map_err(|error| StoreError::Refused(format!("the pool of connections can't be built: {error}")))
    }
}

/// Takes `sslmode` and `sslrootcert` out of a URL. What is not a URL (`key=value` pairs) stays as it is.
fn split(url: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut roots) = (None, None);
    let Some((base, query)) = url.split_once('?').filter(|_| url.contains("://")) else { return (url.to_owned(), None, None) };
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "sslmode" => mode = Some(value.into_owned()),
            "sslrootcert" => roots = Some(value.into_owned()),
            _ => {
                rest.append_pair(&name, &value);
            }
        }
    }
    // The driver reads `%20` as a space, and `+` as itself.
    let rest = rest.finish().replace('+', "%20");
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{rest}") };
    (url, mode, roots)
}

fn tls(roots: Option<&str>) -> Result<MakeRustlsConnect> {
    let refused = |error: rustls::Error| StoreError::Refused(format!("TLS to the database can't be set up: {error}"));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().map_err(refused)?;
    let config = match roots {
        Some(path) => builder.with_root_certificates(read_roots(path)?).with_no_client_auth(),
        None => {
            let verifier = Verifier::new(provider).map_err(refused)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn read_roots(path: &str) -> Result<RootCertStore> {
    let refused = |error: &dyn std::fmt::Display| StoreError::Refused(format!("`sslrootcert` of the database URL, {path}: {error}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| refused(&error))? {
        roots.add(certificate.map_err(|error| refused(&error))?).map_err(|error| refused(&error))?;
    }
    if roots.is_empty() {
        return Err(refused(&"holds no certificate"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_verified_when_asked_for_and_off_otherwise() {
        for (mode, verified) in [("require", true), ("verify-ca", true), ("verify-full", true), ("disable", false), ("prefer", false)] {
            let address = Address::parse(&format!("postgres://u:p@db.example.com/leads?sslmode={mode}")).unwrap();
            assert_eq!((address.tls.is_some(), address.config.get_ssl_mode() == SslMode::Require), (verified, verified), "{mode}");
        }
        assert!(Address::parse("postgres://u:p@db.example.com/leads").unwrap().tls.is_none());
        assert!(Address::parse("host=db.example.com user=u sslmode=require").unwrap().tls.is_some());
    }

    #[test]
    fn other_parts_of_the_url_are_kept() {
        let address = Address::parse("postgres://u:p%40ss@db:6432/leads?options=-c%20search_path%3Dleads&sslmode=disable").unwrap();
        assert_eq!(address.config.get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(address.config.get_ports(), [6432]);
        assert!(address.config.get_options().unwrap().ends_with("-c search_path=leads"));
    }

    #[test]
    fn no_error_repeats_the_password() {
        for url in ["postgres://u:secret@db:x/leads", "postgres://u:secret@db/leads?sslmode=maybe", "nonsense:secret"] {
            let error = Address::parse(url).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_root_certificate_that_is_not_there_is_named() {
        let error = Address::parse("postgres://u@db/leads?sslmode=verify-full&sslrootcert=/missing.pem").err().unwrap().to_string();
        assert!(error.contains("sslrootcert") && error.contains("/missing.pem"), "{error}");
    }
}
