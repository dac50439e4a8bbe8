//! Opens a port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

/// A port that could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {at}: {source}; free the port, or choose another by {flag}")]
pub struct ListenError {
    at: SocketAddr,
    flag: &'static str,
    source: io::Error,
}

/// Listens on one address, or when none is given on all of them: IPv6 and IPv4 by one socket, or IPv4 alone on a machine without IPv6.
/// `flag` names the setting that chooses the port, for the error message.
pub async fn listen(address: Option<IpAddr>, port: u16, flag: &'static str) -> Result<TcpListener, ListenError> {
    let first = SocketAddr::new(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), port);
    let error = match TcpListener::bind(first).await {
        Ok(listener) => return Ok(listener),
        Err(error) => error,
    };
    if address.is_none() && error.kind() != io::ErrorKind::AddrInUse {
        let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
        return TcpListener::bind(at).await.map_err(|source| ListenError { at, flag, source });
    }
    Err(ListenError { at: first, flag, source: error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_addresses_include_ipv4_loopback() {
        let listener = listen(None, 0, "--port").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }

    #[tokio::test]
    async fn a_taken_port_is_told_with_the_setting_that_changes_it() {
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let first = listen(address, 0, "--port").await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = listen(address, port, "--port").await.unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("--port"), "{error}");
    }
}
