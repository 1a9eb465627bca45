"""The customers' application: `/c/TOKEN`, the page of one incident, as a bare ASGI application.

Viewing (GET, HEAD) changes nothing, because mail scanners open the links in mails. Reporting a
removal and asking for a look at the pages (POST) are the only actions. Without a link that this
desk signed, the answer is always the same and reveals nothing. The application can run alone or be
mounted (`root_path`) in another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from incidents import clock, log
from incidents.console.customer import customer_view
from incidents.console.customer.customer_page import STYLE, CustomerPage, Plain
from incidents.desk import Desk
from incidents.errors import IncidentsError
from incidents.inbox.snapshots.by_customer import CustomerLooks, Outcome
from incidents.notices.customer_link import PATH, ExpiredLink, InvalidLink, Links, ValidLink
from incidents.store.database.engine import Reading
from incidents.values.ids import incident_id

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

READ_S = 10.0
"""The deadline for receiving a form, in seconds."""

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src '{STYLE}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    # The link itself grants access, so it is disclosed to nobody else.
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow, noarchive",
}

_METHODS = ("GET", "HEAD", "POST")
_PLAIN: dict[Plain, HTTPStatus] = {
    "unknown": HTTPStatus.NOT_FOUND,
    "expired": HTTPStatus.GONE,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "unreadable": HTTPStatus.BAD_REQUEST,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "wrong_method": HTTPStatus.METHOD_NOT_ALLOWED,
}
_LOOKED: dict[Outcome, HTTPStatus] = {
    "looked": HTTPStatus.OK,
    "later": HTTPStatus.TOO_MANY_REQUESTS,
    "nothing": HTTPStatus.CONFLICT,
}
_UNREAD = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT}

_log = log.logger("console")


@dataclass(frozen=True, slots=True)
class Answer:
    """A page with its HTTP status."""

    status: HTTPStatus
    page: bytes


class CustomerApp:
    """The customers' pages of `desk`, reached through the links that the desk issued.

    `reading` opens a transaction that reads one state of the desk's database; several threads call
    both. Without `looks` nobody can ask for a look at the pages.
    """

    def __init__(
        self, desk: Desk, reading: Reading, links: Links, page: CustomerPage,
        looks: CustomerLooks | None = None,
    ) -> None:  # fmt: skip
        self._desk, self._reading, self._looks = desk, reading, looks
        self._links, self._page = links, page
        # Written once, so that the response time reveals nothing to people without a right.
        self._plain = {name: Answer(status, page.plain(name)) for name, status in _PLAIN.items()}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI requires."""
        if scope["type"] == "http":
            await _send(await self._answer(scope, receive), send)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        token = _token(scope)
        if token is None:
            return self._plain["unknown"]
        if scope["method"] not in _METHODS:
            return self._plain["wrong_method"]
        match self._links.read(token, clock.now()):
            case InvalidLink():
                return self._plain["unknown"]
            case ExpiredLink():
                return self._plain["expired"]
            case ValidLink() as link:
                pass
        try:
            if scope["method"] == "POST":
                return await self._stated(scope, receive, link)
            return await asyncio.to_thread(self._shown, link)
        except IncidentsError as error:
            incident = incident_id(*link.incident)
            _log.error("a customer's page failed", error=error, incident=incident)
            return self._plain["unavailable"]

    async def _stated(self, scope: Message, receive: Receive, link: ValidLink) -> Answer:
        if (
            dict(scope["headers"]).get(b"content-type", b"").partition(b";")[0]
            != customer_view.FORM
        ):
            return self._plain["unreadable"]
        try:
            async with asyncio.timeout(READ_S):
                body = await _read(receive)
        except TimeoutError:
            return self._plain["too_slow"]
        if body is None:
            return self._plain["too_large"]
        if body == b"=".join(part.encode() for part in customer_view.LOOK):
            return await asyncio.to_thread(self._look_again, link)
        try:
            said = customer_view.read(body)
        except customer_view.UnreadableError:
            return self._plain["unreadable"]
        except customer_view.TooLongError as error:
            too_long, status = error.remark, HTTPStatus.UNPROCESSABLE_ENTITY
            return await asyncio.to_thread(self._shown, link, status, too_long=too_long)
        return await asyncio.to_thread(self._state, link, said)

    def _state(self, link: ValidLink, said: str | None) -> Answer:
        """Record the customer's statement, then render the page from the record."""
        seen = self._look(link)
        if isinstance(seen, Answer):
            return seen
        outcome = customer_view.submit(self._desk, link.incident, said)
        _log.info("a customer's statement", incident=incident_id(*link.incident), state=outcome)
        status = HTTPStatus.OK if outcome == "said" else HTTPStatus.CONFLICT
        answer = outcome if outcome in ("said", "again") else None
        return self._shown(link, status, answer=answer)

    def _look_again(self, link: ValidLink) -> Answer:
        """Look at the pages of the incident, then render the page from the record."""
        seen = self._look(link)
        if isinstance(seen, Answer):
            return seen
        if self._looks is None or seen.is_settled:
            return self._shown(link, HTTPStatus.CONFLICT)
        outcome = self._looks.look(link.incident)
        _log.info("a customer's look", incident=incident_id(*link.incident), state=outcome)
        return self._shown(link, _LOOKED[outcome], looked=None if outcome == "nothing" else outcome)

    def _shown(
        self, link: ValidLink, status: HTTPStatus = HTTPStatus.OK, *,
        answer: customer_view.Answer | None = None, too_long: str | None = None,
        looked: customer_view.Looked | None = None,
    ) -> Answer:  # fmt: skip
        seen = self._look(link)
        if isinstance(seen, Answer):
            return seen
        return Answer(status, self._page.of(replace(seen, answer=answer, looked=looked), too_long))

    def _look(self, link: ValidLink) -> customer_view.CustomerView | Answer:
        """Return the incident, or another answer: for example, if the link was revoked."""
        with self._reading() as connection:
            seen = customer_view.of(connection, link.incident)
            if seen is not None and self._looks is not None and not seen.is_settled:
                looks = self._looks.seen(connection, link.incident)
                seen = replace(seen, can_look=looks.can_look, looks=looks.last)
        if seen is None:
            return self._plain["unknown"]
        return seen if seen.links_revoked == link.revoked else self._plain["expired"]


def _token(scope: Message) -> str | None:
    """The path below `/c/` inside the application's mount point; None for another path."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    start = f"/{PATH}/"
    return path.removeprefix(start) if path.startswith(start) else None


async def _read(receive: Receive) -> bytes | None:
    """Read the body; None if the body is too long, or if the client has disconnected."""
    body = bytearray()
    while len(body) <= customer_view.MAX_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body) if len(body) <= customer_view.MAX_BYTES else None
    return None


async def _send(answer: Answer, send: Send) -> None:
    headers = {**HEADERS, "content-length": str(len(answer.page))}
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = ", ".join(_METHODS)
    if answer.status in _UNREAD:
        # The rest of the body is not read, so nothing can follow it.
        headers["connection"] = "close"
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": pairs})
    await send({"type": "http.response.body", "body": answer.page})
