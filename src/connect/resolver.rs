//! Name resolution that hands out only addresses that deliveries may go to. The check is made on the very addresses that are connected to, so a
//! name that changes its address between check and use gains nothing.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use super::address::allowed;

/// The networks that the Exchange allows; can be changed while clients are in use.
#[derive(Clone, Default)]
pub struct Allowed(Arc<ArcSwap<Vec<IpNet>>>);

impl Allowed {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(networks)))
    }

    pub fn set(&self, networks: Vec<IpNet>) {
        self.0.store(Arc::new(networks));
    }

    pub fn get(&self) -> Arc<Vec<IpNet>> {
        self.0.load_full()
    }

    /// Whether a delivery may connect to this address.
    pub fn address(&self, address: IpAddr) -> bool {
        allowed(address, &self.0.load())
    }

    /// Whether a URL's host may be connected to, as far as that can be seen before its name is resolved.
    pub fn host<S>(&self, host: &Host<S>) -> bool {
        match host {
            Host::Domain(_) => true,
            Host::Ipv4(address) => self.address(IpAddr::V4(*address)),
            Host::Ipv6(address) => self.address(IpAddr::V6(*address)),
        }
    }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAddress {
    #[error("the name has no address")]
    Unknown,
    #[error("the name leads to private addresses only; spec.delivery.allowAddresses of the Exchange could allow them")]
    NotAllowed,
}

/// The system's resolver behind the check.
pub struct GuardedResolver(pub Allowed);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NoAddress::Unknown)?.collect();
            if found.is_empty() {
                return Err(NoAddress::Unknown.into());
            }
            let usable: Vec<_> = found.into_iter().filter(|address| allowed.address(address.ip())).collect();
            if usable.is_empty() { Err(NoAddress::NotAllowed.into()) } else { Ok(Box::new(usable.into_iter()) as Addrs) }
        })
    }
}
