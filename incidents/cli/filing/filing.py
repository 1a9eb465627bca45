"""The filings on the command line: what is filed, its checks and terms, lists and forms."""

from __future__ import annotations

import click

from incidents.cli.root import LazyGroup, act

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "What is filed": {
        "show": ("incidents.cli.filing.look:show", "What is filed of a site, and what is missing."),
        "set": act("filing set", "incidents.cli.filing.change:set_"),
        "server": ("incidents.cli.filing.change:server", "Put a server on record, or take it off."),
        "document": (
            "incidents.cli.filing.change:document",
            "Put a document on record by its digest, or take it off.",
        ),
        "fields": ("incidents.cli.filing.look:fields", "The details that a filing has."),
        "presets": ("incidents.cli.filing.look:presets", "Providers whose details can be set."),
    },
    "Whether it is right": {
        "check": (
            "incidents.cli.filing.look:check",
            "Check what is filed, finding by finding.",
        ),
        "check-footer": (
            "incidents.cli.filing.footer:check_footer",
            "Check the foot of a page: number, icon, links.",
        ),
        "terms": ("incidents.cli.filing.terms:terms", "What is due by when, also as a calendar."),
    },
    "Lists and forms": {
        "import": (
            "incidents.cli.filing.customer_list:import_",
            "Take in a provider's customer list.",
        ),
        "export": ("incidents.cli.filing.export:export", "Write filings as JSON or CSV."),
        "form": ("incidents.cli.filing.export:form", "Write the form of a site to print and copy."),
        "snippet": ("incidents.cli.filing.export:snippet", "The HTML for the foot of the pages."),
    },
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def filing() -> None:
    """What site owners have filed (domain.md, section 5): the register, its checks and terms."""
