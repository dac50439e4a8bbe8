//! Which addresses a delivery may go to. URLs are written by tenants, so what is not public is refused unless the Exchange allows it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// First address and prefix length of the IPv4 networks that are not public (IANA's special-purpose registry, RFC 6890), and of one cloud's
/// metadata service that has a public-looking address.
const NOT_PUBLIC_V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// Whether a delivery may connect to this address. IPv4 addresses in IPv6 clothes are judged as what they are.
pub fn allowed(address: IpAddr, allow: &[IpNet]) -> bool {
    let plain = undressed(address);
    public(plain) || allow.iter().any(|net| net.contains(&plain) || net.contains(&address))
}

/// The IPv4 address inside an IPv4-mapped (`::ffff:0:0/96`) or NAT64 (`64:ff9b::/96`) one; others as they are.
fn undressed(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        _ => address,
    }
}

fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|(first, prefix)| {
            let mask = u32::MAX << (32 - prefix);
            u32::from(v4) & mask == u32::from_be_bytes(*first)
        }),
        IpAddr::V6(v6) => public_v6(v6),
    }
}

/// Only global unicast (`2000::/3`) is public, and of it not the parts for protocols (`2001::/23`, with Teredo), documentation, and 6to4.
fn public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        [0x2002, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(address: &str, allow: &[&str]) -> bool {
        let allow: Vec<IpNet> = allow.iter().map(|net| net.parse().unwrap()).collect();
        allowed(address.parse().unwrap(), &allow)
    }

    #[test]
    fn public_addresses_are_allowed() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860::8888",
            "64:ff9b::808:808",
        ] {
            assert!(judged(address, &[]), "{address}");
        }
    }

    #[test]
    fn inner_addresses_are_refused_in_every_spelling() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            assert!(!judged(address, &[]), "{address}");
        }
    }

    #[test]
    fn what_the_exchange_allows_is_allowed_and_no_more() {
        assert!(judged("10.1.2.3", &["10.1.0.0/16"]));
        assert!(!judged("10.2.2.3", &["10.1.0.0/16"]));
        assert!(judged("::ffff:10.1.2.3", &["10.1.0.0/16"]), "an address in IPv6 clothes follows the same list");
        assert!(judged("fd00::1", &["fd00::/8"]));
        assert!(!judged("::1", &["127.0.0.0/8"]));
    }
}
