"""The posts: one and the same signed POST, for the desk's dispatcher and for its peers.

All use the adapter `webhook`, so that what is compared is how orders come to it.
"""

from __future__ import annotations

from typing import Any

from incidents import clock
from incidents.enforcement.port import Adapter, Delivered, Order
from incidents.settings.options import Options

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORKERS = 16
_made: dict[str, Adapter] = {}


def section(url: str) -> dict[str, Any]:
    """The section [acts] of the settings for a receiver at `url`."""
    return {
        "adapter": "panel",
        "workers": WORKERS,
        "panel": {"type": "webhook", "url": url, "secret": SECRET, "allow": ["127.0.0.1"]},
    }


def post(url: str, n: int) -> None:
    """The nth order's POST, of a site of its own.

    Raises:
        RuntimeError: if it is not taken.
    """
    if url not in _made:
        from incidents.enforcement import webhook

        own = {key: value for key, value in section(url)["panel"].items() if key != "type"}
        _made[url] = webhook.make("panel", Options("[acts.panel]", own))
    order = Order(
        id=f"{n}-o4", kind="suspend", lane="act", site=f"site-{n}.example", site_id=n, seq=4,
        ordered_at=clock.now(), rule="unreachable", incident=f"{n}-1", suspension="1",
    )  # fmt: skip
    outcome = _made[url].deliver(order)
    if outcome != Delivered():
        raise RuntimeError(f"{n} came to {outcome}")
