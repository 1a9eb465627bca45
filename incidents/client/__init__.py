"""The client: the desk of a server (`incidents serve`), over HTTP.

with Client("https://desk.host.example", token) as desk:
    desk.log("shop.example", category="gambling", key="report-4711")
    for site in desk.sites(state="suspended"):
        ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents.client.faults import ProblemError, ServerError
from incidents.errors import InputError

if TYPE_CHECKING:
    from incidents.client.typed import Client as Client

__all__ = ["Client", "InputError", "ProblemError", "ServerError"]


def __getattr__(name: str) -> Any:
    """Import the typed client on demand: its library is too slow for the command line."""
    if name == "Client":
        from incidents.client.typed import Client

        return Client
    raise AttributeError(name)
