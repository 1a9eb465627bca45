"""The saved views of the lists: kept, renamed and deleted on the page of their list."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from incidents import clock
from incidents.console import messages
from incidents.console.flash import Flash
from incidents.console.list_page import Filter, ListPage, may_change, may_share
from incidents.console.pages import incidents, orders, sites, terms, unreported
from incidents.console.pages.queue import queue_view
from incidents.console.request_context import needs
from incidents.console.submission import Submission, Submitted
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import saved_views
from incidents.store.accounts.saved_views import SavedView
from incidents.store.database.engine import plainly, writing
from incidents.values import inputs

router = APIRouter()

LISTS: Mapping[str, Sequence[Filter]] = {
    each.PATH: each.FILTERS for each in (queue_view, incidents, sites, orders, terms, unreported)
}
KEEPS: Mapping[str, Sequence[str]] = {queue_view.PATH: queue_view.KEEPS}
MAX_NAME = 60
MAX_OWN = 50
"""The maximum number of views that one person keeps of one list."""


class TooManyViewsError(RefusedError):
    """nothing was saved: you keep {most} views of this list, the limit; delete one first"""


class ViewExistsError(RefusedError):
    """nothing was saved: you already have a view named {name!r} here; choose another name"""


class NotYourViewError(RefusedError):
    """nothing was changed: only its owner or, if it is shared, a supervisor may change this view"""


class NoSuchViewError(RefusedError):
    """nothing was changed: this view was deleted"""


class NoFilterError(RefusedError):
    """nothing was saved: apply a filter first, then save it as a view"""


@router.post("/views", dependencies=needs("look"))
def save(desk: Submitted) -> Response:
    """Keep the filters of a list as a view with a name."""
    page = desk.form.text("page") or ""
    if page not in LISTS:
        return desk.back("/", Flash("refused", desk.reader.say("views.no_list")))
    query = dict(parse_qsl(desk.form.text("query") or ""))
    listed = ListPage.of(page, LISTS[page], query, KEEPS.get(page, ()))

    def keep(connection: Connection) -> None:
        if not listed.asked:
            raise NoFilterError
        new = SavedView(
            id=secrets.token_hex(8), page=page, name=_name(desk), query=listed.query,
            owner=desk.by, shared=_shared(desk), made_at=clock.now(),
        )  # fmt: skip
        if len(saved_views.names(connection, page, desk.by)) >= MAX_OWN:
            raise TooManyViewsError(most=MAX_OWN)
        _refuse_twice(connection, new, new.name)
        saved_views.save(connection, new)

    return _done(desk, listed.first, keep, "views.saved")


@router.post("/views/{view}/change", dependencies=needs("look"))
def change(desk: Submitted, view: str) -> Response:
    """Rename a view, or share it."""

    def rename(connection: Connection) -> None:
        own, name = _changeable(desk, connection, view), _name(desk)
        _refuse_twice(connection, own, name)
        saved_views.rename(connection, own.id, name, shared=_shared(desk))

    return _done(desk, _place(desk, view), rename, "views.changed")


@router.post("/views/{view}/delete", dependencies=needs("look"))
def delete(desk: Submitted, view: str) -> Response:
    """Delete a view; its list then shows everything."""

    def remove(connection: Connection) -> None:
        saved_views.remove(connection, _changeable(desk, connection, view).id)

    return _done(desk, _place(desk, view), remove, "views.deleted")


def _done(desk: Submission, place: str, do: Callable[[Connection], None], told: str) -> Response:
    try:
        with plainly(desk.app.engine), writing(desk.app.engine) as connection:
            do(connection)
    except (InputError, RefusedError) as error:
        return desk.back(place, messages.of_error(desk.reader, error))
    return desk.back(place, Flash("done", desk.reader.say(told)))


def _changeable(desk: Submission, connection: Connection, id_: str) -> SavedView:
    found = saved_views.view(connection, id_)
    if found is None:
        raise NoSuchViewError
    if not may_change(desk, found):
        raise NotYourViewError
    return found


def _refuse_twice(connection: Connection, view: SavedView, name: str) -> None:
    known = saved_views.names(connection, view.page, view.owner)
    if any(name == each for id_, each in known.items() if id_ != view.id):
        raise ViewExistsError(name=name)


def _place(desk: Submission, id_: str) -> str:
    """The address of the view, if the person may see it."""
    with desk.reading() as connection:
        found = saved_views.view(connection, id_)
    if found is None or found.page not in LISTS or not (found.shared or found.owner == desk.by):
        return "/"
    return f"{found.page}?{found.query}"


def _name(desk: Submission) -> str:
    return inputs.text("name", limit=MAX_NAME)(desk.form.text("name") or "")


def _shared(desk: Submission) -> bool:
    """Whether the view is shared; those who only look share none."""
    return desk.form.text("shared") is not None and may_share(desk)
