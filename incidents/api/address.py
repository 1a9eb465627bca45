"""The address: where a request comes from, as far as that can be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from incidents.values import peer_address

if TYPE_CHECKING:
    from starlette.requests import Request

    from incidents.values.peer_address import Network


def of(request: Request, trusted: Sequence[Network]) -> str:
    """The address that a request comes from: the peer's, or what trusted proxies say of theirs.

    Of X-Forwarded-For the last address counts that no trusted proxy has: what stands before it may
    have been written by anybody. Of IPv6 it is the network, `2001:db8::/64`.
    """
    peer = peer_address.read("" if request.client is None else request.client.host)
    if peer is None:
        return "nowhere"
    found = peer
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for each in reversed(told):
        if not any(found in network for network in trusted):
            break
        before = peer_address.read(each.strip())
        if before is None:
            break
        found = before
    return peer_address.owner(found)
