"""From which network a request comes: the header of a stranger says nothing."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.network import UNKNOWN, network_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)


@pytest.mark.parametrize("peer, forwarded, network", [
    ("203.0.113.7",        "",                                  "203.0.113.7"),
    ("203.0.113.7",        "198.51.100.1",                      "203.0.113.7"),  # no proxy of ours
    ("10.0.0.2",           "",                                  "10.0.0.2"),
    ("10.0.0.2",           "203.0.113.7",                       "203.0.113.7"),
    ("10.0.0.2",           "198.51.100.1, 203.0.113.7",         "203.0.113.7"),  # what is before it, anyone can write
    ("10.0.0.2",           "203.0.113.7, 10.0.0.3",             "203.0.113.7"),
    ("10.0.0.2",           "10.0.0.9, 10.0.0.3",                "10.0.0.9"),
    ("10.0.0.2",           "203.0.113.7, no address, 10.0.0.3", "10.0.0.3"),  # whoever is behind the last that is read
    ("10.0.0.2",           "no address",                        "10.0.0.2"),
    ("10.0.0.2",           "203.0.113.7:4711",                  "10.0.0.2"),
    ("10.0.0.2",           "2001:db8:1:2:3:4:5:6",              "2001:db8:1:2::/64"),
    ("2001:db8:1:2::9",    "",                                  "2001:db8:1:2::/64"),
    ("fe80::1%eth0",       "",                                  "fe80::/64"),
    ("fd00::1",            "203.0.113.7",                       "203.0.113.7"),
    ("::ffff:203.0.113.7", "",                                  "203.0.113.7"),
    ("::ffff:10.0.0.2",    "203.0.113.7",                       "203.0.113.7"),
    ("testclient",         "203.0.113.7",                       UNKNOWN),
    (None,                 "203.0.113.7",                       UNKNOWN),
    ("x" * 100,            "",                                  UNKNOWN),
])  # fmt: skip
def test_whose_word_is_taken(peer: str | None, forwarded: str, network: str):
    assert network_of(peer, forwarded, PROXIES) == network


@given(ADDRESSES, st.lists(st.one_of(ADDRESSES, st.text(max_size=20))))
def test_who_is_no_proxy_cannot_choose_a_network(peer: str, told: list[str]):
    if not any(ip_address(peer) in network for network in PROXIES):
        assert network_of(peer, ",".join(told), PROXIES) == network_of(peer, "", [])


@given(st.lists(ADDRESSES), ADDRESSES)
def test_behind_one_proxy_only_the_address_that_it_saw_counts(told: list[str], seen: str):
    if not any(ip_address(seen) in network for network in PROXIES):
        assert network_of("10.0.0.2", ",".join([*told, seen]), PROXIES) == network_of(seen, "", [])
