from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_kit.public_addresses import is_public


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450:4003::200e"],
)
def test_the_internet_is_public(address: str):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "169.254.170.2", "100.64.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "168.63.129.16", "::ffff:168.63.129.16", "3fff::1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fc00::1", "fd00:ec2::254", "fec0::1",
        "ff02::1",
        "2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:a00:1", "::127.0.0.1", "::7f00:1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:808:808::1",
        "2001:0:7f00:1::", "4000::1", "localhost", "", "8.8.8", "0x7f.1", "127.1", "[::1]",
    ],
)  # fmt: skip
def test_nothing_else_is(address: str):
    assert not is_public(address)


@given(first=st.sampled_from([10, 127]), rest=st.integers(0, 2**24 - 1))
def test_a_private_address_is_private_however_it_is_wrapped(first: int, rest: int):
    number = (first << 24) + rest
    plain = ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    for address in (plain, f"::ffff:{plain}", f"64:ff9b::{plain}", f"::{plain}"):
        assert not is_public(address)
