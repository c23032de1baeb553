"""Which IP addresses may be reached. Decided on addresses alone; knows nothing of names.

The tables are the special-purpose registries of IANA (RFC 6890) as they stand here, and not the
standard library's properties, which differ between versions of Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


NEVER = _networks(
    "0.0.0.0/32",  # unspecified: most systems take it for themselves
    "169.254.0.0/16",  # link-local: metadata of most clouds, credentials of containers
    "168.63.129.16/32",  # a cloud's wire server, in public space
    "100.100.100.200/32",
    "192.0.0.192/32",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
    "::/128",
    "fd00:ec2::/32",  # metadata, time and credentials of a cloud
    "fd20:ce::254/128",
    "fd00:42::42/128",
    "fd00:a9fe:a9fe::/64",
    "fe80::/10",  # link-local
    "ff00::/8",  # multicast
)
"""Not reached by anybody: addresses that hand out credentials, and such as are no single host's."""

NOT_PUBLIC = _networks(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by carriers
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",  # documentation, with the two below
    "192.88.99.0/24",  # relays of 6to4
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001::/23",  # protocols: benchmarks, ORCHID; Teredo is looked into
    "2001:db8::/32",  # documentation, with the one below
    "3fff::/20",
)
"""Reached only by those who mean it. Of IPv6 this is also all that is outside of 2000::/3."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
TEREDO = IPv6Network("2001::/32")
SIX_TO_FOUR = IPv6Network("2002::/16")
WITH_IPV4_AT_THE_END = (
    IPv6Network("::/96"),  # compatible
    IPv6Network("::ffff:0:0/96"),  # mapped
    IPv6Network("::ffff:0:0:0/96"),  # translated, RFC 2765
    NAT64,
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of a network of its own, RFC 8215
)
ISATAP = (0x00005EFE, 0x02005EFE)
"""The third quarter of such an address, RFC 5214; the last one is an IPv4 address."""


def address_of(text: str) -> Address | None:
    """The address that is written, None for what is none; an IPv6 zone makes it none."""
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def may_be_reached(address: Address, *, allow_private: bool = False) -> bool:
    """Whether the address, and each that is inside it, is public, or may be private."""
    if any(_is_in(each, NEVER) for each in (address, *inside(address))):
        return False
    return allow_private or _is_public(address)


def inside(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address may end up at."""
    if isinstance(address, IPv4Address):
        return
    bits = int(address)
    if any(address in network for network in WITH_IPV4_AT_THE_END):
        yield IPv4Address(bits & 0xFFFFFFFF)
    if address in SIX_TO_FOUR:
        yield IPv4Address(bits >> 80 & 0xFFFFFFFF)
    if address in TEREDO:  # the server, and the client with its bits turned round
        yield IPv4Address(bits >> 64 & 0xFFFFFFFF)
        yield IPv4Address(~bits & 0xFFFFFFFF)
    if bits >> 32 & 0xFFFFFFFF in ISATAP:
        yield IPv4Address(bits & 0xFFFFFFFF)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not _is_in(address, NOT_PUBLIC)
    if not all(_is_public(each) for each in inside(address)):
        return False
    if address in NAT64 or address in TEREDO:
        return True
    return address in GLOBAL_UNICAST and not _is_in(address, NOT_PUBLIC)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
