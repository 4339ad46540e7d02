//! Which network addresses a setting may lead to. A name is checked when a destination is connected, and the addresses
//! that it resolves to each time a connection is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

/// Names that no public DNS server knows.
const LOCAL_NAMES: [&str; 5] = ["internal", "local", "localhost", "lan", "arpa"];

/// Whether an address is on the internet, as vendors' are.
pub fn is_public(address: IpAddr) -> bool {
    is_remote(address)
        && match unwrap(address) {
            IpAddr::V4(v4) => is_public_v4(v4),
            IpAddr::V6(v6) => {
                let [first, second, ..] = v6.segments();
                // Global unicast is 2000::/3; of that, 2001::/23 is for protocols and 2001:db8::/32 for documents.
                first & 0xe000 == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
            }
        }
}

/// Whether an address is another machine's, as a warehouse's is: not this machine's, not of the local link alone, where
/// the credentials of AWS are, and not of a group of machines.
pub fn is_remote(address: IpAddr) -> bool {
    let address = unwrap(address);
    let local = match address {
        // 0.0.0.0/8 is this machine, too.
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            // fd00:ec2::/32 is the metadata of EC2, fec0::/10 the old form of link-local.
            v6.is_unicast_link_local() || (first, second) == (0xfd00, 0xec2) || first & 0xffc0 == 0xfec0
        }
    };
    !(local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// Whether a URL's host is a public name: an address or a local name could lead into the account's own network.
pub fn is_public_host(host: &Host<&str>) -> bool {
    let Host::Domain(name) = host else { return false };
    let labels: Vec<_> = name.split('.').collect();
    labels.len() > 1
        && labels.iter().all(|label| is_label(label))
        && labels.last().is_some_and(|last| !LOCAL_NAMES.contains(last))
}

/// Whether a text is the name or address of another machine: no socket's path, no list, no port.
pub fn is_remote_host(host: &str) -> bool {
    if let Ok(address) = host.parse() {
        return is_remote(address);
    }
    let named = host.trim_end_matches('.').to_ascii_lowercase();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    match Host::parse(&named) {
        Ok(Host::Domain(_)) => host.bytes().all(plain) && named.rsplit('.').next() != Some("localhost"),
        // Numbers that resolvers read as an address, such as 127.1.
        _ => false,
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // Shared by carriers; for protocols; for measurements; reserved.
        [100, 64..128, ..] | [192, 0, 0, _] | [198, 18 | 19, ..] | [240..=255, ..] => true,
        _ => false,
    };
    !(special || address.is_private() || address.is_documentation())
}

/// The IPv4 address that an IPv6 address stands for, in each way that a gateway or the system translates.
fn unwrap(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let pair = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        _ if v6 == Ipv6Addr::LOCALHOST || v6 == Ipv6Addr::UNSPECIFIED => address,
        // Compatible, mapped, and NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        // 6to4.
        [0x2002, high, low, ..] => pair(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_public_and_only_other_machines_are_remote() {
        for (address, public, remote) in [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1::1", true, true),
            ("::ffff:93.184.216.34", true, true),
            ("10.0.0.7", false, true),
            ("172.31.0.2", false, true),
            ("192.168.1.1", false, true),
            ("100.64.0.1", false, true),
            ("198.18.0.1", false, true),
            ("240.0.0.1", false, true),
            ("fd12:3456::7", false, true),
            ("2001:db8::1", false, true),
            ("64:ff9b:1::1", false, true),
            ("127.0.0.1", false, false),
            ("127.9.9.9", false, false),
            ("0.0.0.0", false, false),
            ("0.1.2.3", false, false),
            ("169.254.169.254", false, false),
            ("169.254.170.2", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("::", false, false),
            ("::1", false, false),
            ("::127.0.0.1", false, false),
            ("::ffff:127.0.0.1", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("::ffff:10.0.0.7", false, true),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("2002:7f00:1::", false, false),
            ("fe80::1", false, false),
            ("fec0::1", false, false),
            ("fd00:ec2::254", false, false),
            ("ff02::1", false, false),
        ] {
            let parsed = address.parse().expect(address);
            assert_eq!((is_public(parsed), is_remote(parsed)), (public, remote), "{address}");
        }
    }
}
