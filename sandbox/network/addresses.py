"""Which addresses are the public Internet, and which nobody in a sandbox may reach.

One list for both networks that reach out: the hub checks every address that it dials for a
console, and the routes of a full network prohibit the same.

Invariant: an address that carries another one in it (IPv4-mapped, 6to4, NAT64, Teredo, ISATAP)
is never public, because whoever takes it may turn it into that.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared with a provider
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, among them the metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""IPv4: the special-purpose registry (RFC 6890) and multicast; clouds' own services among them."""

PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
"""IPv6: the only addresses given out for global unicast."""

NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
"""What of :data:`PUBLIC_6` is special."""

_ISATAP = 0x00005EFE


def is_public(address: Address) -> bool:
    """Whether an address is anybody's to reach: global unicast, and nothing in disguise."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in NOT_PUBLIC_4)
    if address.scope_id is not None or address not in PUBLIC_6:
        return False
    if (int(address) >> 32) & 0xFDFFFFFF == _ISATAP:
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC_6)


def own_addresses() -> frozenset[Address]:
    """Every address that this machine answers to, in the network we are in.

    Read from the kernel's tables of local routes, so addresses that are only routed here count too.

    :raises OSError: when they cannot be read.
    """
    found: set[Address] = set()
    last = ""
    with open("/proc/net/fib_trie", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["|--"]:
                last = words[1]
            elif words[1:] == ["host", "LOCAL"]:
                found.add(ipaddress.IPv4Address(last))
    try:
        with open("/proc/net/if_inet6", encoding="ascii") as file:
            found.update(ipaddress.IPv6Address(bytes.fromhex(line.split()[0])) for line in file)
    except FileNotFoundError:
        pass  # a kernel without IPv6
    return frozenset(found)
