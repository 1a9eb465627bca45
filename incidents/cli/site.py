"""The acts on sites: the register, false information (R4), holds, reinstatement, disputes."""

from __future__ import annotations

import click

from incidents.cli.root import LazyGroup

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": ("incidents.cli.actions:site add", "Take a site into the register."),
        "edit": ("incidents.cli.actions:site edit", "Change whom to call."),
        "list": ("incidents.cli.register:list_sites", "List the sites."),
        "show": ("incidents.cli.register:show", "How a site stands, and whom to call."),
        "why": ("incidents.cli.register:why", "Why a site stands as it does, in plain words."),
        "false-info": (
            "incidents.cli.actions:site false-info",
            "State that a filed detail is false (R4).",
        ),
        "confirm-closure": (
            "incidents.cli.actions:site confirm-closure",
            "Close a site as another person asked.",
        ),
        "decline-closure": (
            "incidents.cli.actions:site decline-closure",
            "Leave a site open that was to be closed.",
        ),
        "hold": ("incidents.cli.actions:site hold", "Keep a site down by order."),
        "unhold": ("incidents.cli.actions:site unhold", "End the hold."),
        "reinstate": ("incidents.cli.actions:site reinstate", "Ask that a closed site be opened."),
        "approve": ("incidents.cli.actions:site approve", "Approve what another person asked."),
        "decline": ("incidents.cli.actions:site decline", "Decline what another person asked."),
        "uphold": ("incidents.cli.actions:site uphold", "Let a disputed closure stand."),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def site() -> None:
    """The register of sites, and the acts on one of them."""
