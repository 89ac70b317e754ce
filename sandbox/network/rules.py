"""What the router of a full network lets pass, as commands of iproute2.

The router is a network namespace between a sandbox and slirp4netns.  What is forwarded there is
decided by policy rules, which stand before every route: the sandbox and the resolver, then what is
prohibited, then the way out.

Invariant: without IPv6 rules there is no IPv6 address; nothing but :data:`PUBLIC_6` is ever routed.
"""

from __future__ import annotations

from collections.abc import Iterable

from .addresses import NOT_PUBLIC_4, NOT_PUBLIC_6, PUBLIC_6, Address

INSIDE = "eth0"
"""The sandbox's interface."""

LINK = "console"
"""The router's interface towards the sandbox."""

TAP = "tap0"
"""The router's interface towards slirp4netns."""

MTU = 65520
MAIL_PORTS = (25, 465, 587)
"""Ports of mail servers: none is reached."""

SUBNET_4 = "10.0.2.0/24"  # slirp4netns' own, and its addresses in there
RESOLVER_4 = "10.0.2.3"
_GATEWAY_4 = "10.0.2.2"
_ROUTER_4 = "10.0.2.1"
_SANDBOX_4 = "10.0.2.100"
_RESOLVER_6 = "fd00::3"
_GATEWAY_6 = "fd00::2"
_SANDBOX_6 = "fd00::100"
_LINK_6 = "fe80::1"
_TABLE_6 = 100

_FIRST, _LAST = 100, 30_000  # preferences of the rules: behind the local table, before the main one
_LEAST_BURST_BYTES = 2 * MTU

_TOLD_EACH_MS = "10"  # how often a sandbox is told that something is prohibited
SYSCTLS = {
    "ipv4/ip_forward": "1",
    f"ipv4/neigh/{TAP}/proxy_delay": "0",
    "ipv4/icmp_ratelimit": _TOLD_EACH_MS,
}
SYSCTLS_6 = {"ipv6/conf/all/forwarding": "1", "ipv6/icmp/ratelimit": _TOLD_EACH_MS}


def link(pid: int) -> list[str]:
    """``ip`` commands in the router: a cable into the sandbox with this process."""
    return [
        f"link add name {LINK} mtu {MTU} type veth peer name {INSIDE} mtu {MTU} netns {pid}",
        f"link set dev {LINK} up",
    ]


def router_4(own: Iterable[Address]) -> list[str]:
    """``ip -4`` commands in the router, rules first; :param own: addresses of the machine."""
    prohibited = [str(network) for network in NOT_PUBLIC_4]
    prohibited += [f"{address}/32" for address in sorted(map(str, own)) if ":" not in address]
    return [
        f"rule add pref {_FIRST - 1} to {_SANDBOX_4} lookup main",
        *_rules(RESOLVER_4, prohibited),
        f"address add {_ROUTER_4}/24 dev {TAP}",
        f"link set dev {TAP} mtu {MTU} up",
        f"route add {_SANDBOX_4}/32 dev {LINK}",
        f"route add default via {_GATEWAY_4} dev {TAP} onlink",
        f"neigh add proxy {_SANDBOX_4} dev {TAP}",
    ]


def router_6(own: Iterable[Address]) -> list[str]:
    """``ip -6`` commands in the router."""
    prohibited = [str(network) for network in NOT_PUBLIC_6]
    prohibited += [f"{address}/128" for address in sorted(map(str, own)) if ":" in address]
    # slirp4netns learns a neighbour only from what the neighbour itself sends, so the router has the
    # sandbox's address too; TCP and UDP to it are passed on before the local table is asked.
    return [
        "rule del pref 0",
        f"rule add pref {_FIRST - 3} iif {TAP} to {_SANDBOX_6} ipproto tcp lookup {_TABLE_6}",
        f"rule add pref {_FIRST - 2} iif {TAP} to {_SANDBOX_6} ipproto udp lookup {_TABLE_6}",
        f"rule add pref {_FIRST - 1} lookup local",
        *_rules(_RESOLVER_6, prohibited),
        f"rule add pref {_LAST - 1} to {PUBLIC_6} lookup main",
        f"rule add pref {_LAST} prohibit",
        f"address add {_SANDBOX_6}/64 dev {TAP} nodad",
        f"address add {_LINK_6}/64 dev {LINK} nodad",
        f"route add {_SANDBOX_6}/128 dev {LINK} table {_TABLE_6}",
        f"route add default via {_GATEWAY_6} dev {TAP} onlink",
    ]


def inside_4() -> list[str]:
    """``ip -4`` commands in the sandbox."""
    return [
        f"address add {_SANDBOX_4}/32 dev {INSIDE}",
        f"link set dev {INSIDE} up",
        f"route add default via {_ROUTER_4} dev {INSIDE} onlink",
    ]


def inside_6() -> list[str]:
    """``ip -6`` commands in the sandbox."""
    return [
        f"address add {_SANDBOX_6}/128 dev {INSIDE} nodad",
        f"route add default via {_LINK_6} dev {INSIDE}",
    ]


def rate(kbits: int) -> list[str]:
    """``tc`` commands in the router: at most so many kilobits a second each way."""
    burst = max(_LEAST_BURST_BYTES, kbits * 1000 // 8 // 20)
    return [
        f"qdisc add dev {device} root tbf rate {kbits}kbit burst {burst} latency 200ms"
        for device in (LINK, TAP)
    ]


def _rules(resolver: str, prohibited: list[str]) -> list[str]:
    rules = [f"to {resolver} ipproto {kind} dport 53 lookup main" for kind in ("udp", "tcp")]
    rules += [f"to {network} prohibit" for network in prohibited]
    rules += [f"ipproto tcp dport {port} prohibit" for port in MAIL_PORTS]
    return [f"rule add pref {number} {rule}" for number, rule in enumerate(rules, _FIRST)]
