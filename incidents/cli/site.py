"""The acts on sites: the register, false information (R4), holds, reinstatement, disputes."""

from __future__ import annotations

import click

from incidents.cli.root import LazyGroup, act

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": act("site add"),
        "edit": act("site edit"),
        "list": ("incidents.cli.register:list_sites", "List the sites."),
        "show": ("incidents.cli.register:show", "How a site stands, and whom to call."),
        "why": ("incidents.cli.register:why", "Why a site stands as it does, in plain words."),
        "false-info": act("site false-info"),
        "confirm-closure": act("site confirm-closure"),
        "decline-closure": act("site decline-closure"),
        "hold": act("site hold"),
        "unhold": act("site unhold"),
        "reinstate": act("site reinstate"),
        "approve": act("site approve"),
        "decline": act("site decline"),
        "uphold": act("site uphold"),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def site() -> None:
    """The register of sites, and the acts on one of them."""
