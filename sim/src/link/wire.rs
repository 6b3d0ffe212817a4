//! Sizes on the wire: headers, fragments, and what just fits.

use std::net::SocketAddr;

use crate::link::packet::{Body, Packet};

/// Headers of TCP and of UDP.
pub(crate) const TCP: u64 = 20;
pub(crate) const UDP: u64 = 8;

/// The bytes of IP's header.
pub(crate) fn ip_header(to: SocketAddr) -> u64 {
    if to.is_ipv4() { 20 } else { 40 }
}

/// What a packet is on the wire, IP's headers included; what is below IP is not counted.
pub(crate) fn wire_bytes(packet: &Packet, mtu_bytes: u32) -> u64 {
    // IPv6 says in a header of its own that a packet is a fragment.
    let (ip, of_fragment) = (ip_header(packet.to), if packet.to.is_ipv4() { 0 } else { 8 });
    let payload = packet.payload.len() as u64;
    match packet.body {
        Body::Segment(_) => ip + TCP + payload,
        Body::Datagram | Body::ForMany(_) => {
            let (bytes, room) = (UDP + payload, u64::from(mtu_bytes).saturating_sub(ip));
            if bytes <= room {
                return ip + bytes;
            }
            // Fragments, but for the last, carry a multiple of eight bytes.
            let fragment = (room.saturating_sub(of_fragment) / 8 * 8).max(8);
            bytes + (ip + of_fragment) * bytes.div_ceil(fragment)
        }
        // ICMP: a header of eight, and the header of IP and eight bytes of what it answers.
        Body::Icmp(_) => ip + 8 + ip + 8,
    }
}

/// The bytes of a segment that just fits.
pub(crate) fn segment_of(mtu: u32, peer: SocketAddr) -> u32 {
    mtu_towards(mtu, peer).saturating_sub((ip_header(peer) + TCP) as u32).max(1)
}

/// Every link carries 1280 bytes of IPv6 in one piece, and Linux believes no router that has less.
pub(crate) fn mtu_towards(mtu: u32, peer: SocketAddr) -> u32 {
    const MTU_MIN_V6: u32 = 1280;
    if peer.is_ipv4() { mtu } else { mtu.max(MTU_MIN_V6) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_fragments_are_those_of_the_family() {
        let bytes = |to: &str, length: usize, mtu_bytes| {
            let to: std::net::SocketAddr = to.parse().expect("an address");
            let (body, payload) = (Body::Datagram, vec![0; length]);
            wire_bytes(&Packet { from: to, to, body, payload, ..Packet::blank() }, mtu_bytes)
        };
        for (length, mtu_bytes, v4, v6) in [
            (100, 1500, 128, 148),
            // What fits whole is no fragment, be it of eight bytes or not.
            (1472, 1500, 1500, 1520 + 2 * 8 + 40),
            (1451, 1499, 1479, 1499),
            (1473, 1500, 1501 + 20, 1521 + 2 * 8 + 40),
        ] {
            assert_eq!(bytes("10.0.0.1:1", length, mtu_bytes), v4, "{length}");
            assert_eq!(bytes("[fd00::1]:1", length, mtu_bytes), v6, "{length}");
        }
    }
}
