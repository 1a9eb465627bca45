"""The part of the queue that a page shows: its filters, and where it starts, as in its address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from incidents.console import list_page, rendering
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.log import CATEGORIES
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext
from incidents.contract.documents.sites import Rule, SiteState
from incidents.contract.queue_filter import KINDS, QueueFilter

PATH = "/"
KEEPS = ("mine",)
FILTERS = (
    Filter(name="kind", codes=KINDS, group="kind"),
    Filter(name="category", group="category", suggested=CATEGORIES),
    Filter(name="state", codes=get_args(SiteState), group="state"),
    Filter(name="due", codes=tuple(list_page.DUE), group="due_within"),
    Filter(name="holder"),
    Filter(name="site"),
    Filter(name="rule", codes=get_args(Rule), group="rule"),
)


@dataclass(frozen=True, slots=True)
class QueueView:
    """The part of the queue to show: all items or the person's own, filtered, and where to start.

    `asked`: the filters of the address, in their order, without empty ones.
    """

    mine: str | None = None
    after: str | None = None
    asked: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, here: RequestContext, query: Mapping[str, str]) -> QueueView:
        """Read the address, or the fields that a form repeats of it."""
        listed = ListPage.of(PATH, FILTERS, query, KEEPS)
        mine = here.by if listed.keeps else None
        return cls(mine, query.get("after", "")[:100] or None, tuple(listed.asked.items()))

    @property
    def listed(self) -> ListPage:
        """The filters, as lists show them."""
        return ListPage(PATH, FILTERS, dict(self.asked), keeps={"mine": "1"} if self.mine else {})

    @property
    def fields(self) -> dict[str, str]:
        """The address, as the script repeats it."""
        given = {"mine": "1" if self.mine else "", "after": self.after or "", **dict(self.asked)}
        return {name: value for name, value in given.items() if value}

    def path(self, item: str | None = None, after: str | None = None) -> str:
        """The address of this part of the queue, with the item open beside it."""
        asked = rendering.query({**self.fields, "after": after or self.after, "item": item})
        return f"{PATH}?{asked}" if asked else PATH

    def wanted(self, reader: Reader) -> QueueFilter:
        """The filter for the desk; raises InputError or RefusedError for what is none."""
        listed = self.listed
        listed.check(reader)
        return QueueFilter(
            kind=listed.asked.get("kind"), state=listed.asked.get("state"),
            category=listed.category(), holder=listed.text("holder"), site=listed.site(),
            rule=listed.asked.get("rule"), due_before=listed.due_before(reader.now),
        )  # fmt: skip
