"""The webhook: tells a receiver by HTTP, signed as Standard Webhooks has it, what it is to do.

The receiver's answer is the outcome. 2xx: it is done. 410: it wants no more, ever, and a person
must look. All else is tried again, since whoever mends a receiver does not want to look for what it
has missed: 3xx too. A redirect is never followed, because what is signed for one address must not
be led to another; but behind a wrong path or a panel in maintenance it is mended within the days
for which an order is tried, and its place in the order of its site is kept until then.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast, get_args
from urllib.parse import quote

import incidents
from incidents import clock
from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, State
from incidents.errors import BadSiteNameError, SettingError
from incidents.log import logger
from incidents.outbound.faults import ForbiddenTargetError, OutboundError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request, read_target, retry_after
from incidents.settings.options import Options
from incidents.values.ids import ACT

if TYPE_CHECKING:
    from standardwebhooks import Webhook as Signer

    from incidents.outbound.client import Sender

WITHIN, LEAST, MOST = timedelta(seconds=15), timedelta(seconds=1), timedelta(seconds=18)
MAX_ANSWER_BYTES = 64 * 1024
SECRET_BYTES = range(24, 65)
"""How long Standard Webhooks wants a secret to be."""

_USER_AGENT = f"incidents/{incidents.__version__}"
_WAYS = "whsec_ and then 24 to 64 bytes in base64, as echo whsec_$(openssl rand -base64 32) makes"
# `json.dumps` would make one anew each time. These are the bytes of RFC 8785: an order holds texts
# in ASCII alone.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_LOG = logger("acts")


def make(name: str, options: Options) -> Webhook:
    """The webhook of a table of the settings: `url`, `secret`, and if wanted `previous_secret`,
    `allow`, `timeout`, `state_url` and `ca_file`.

    Raises:
        SettingError: naming the key, its value and what it must be.
        ModuleNotFoundError: if what comes with `incidents[webhook]` is not installed.
    """
    from incidents.outbound import trust
    from incidents.outbound.client import Sender

    signers = _signers(options)
    guard = _guard(options)
    url, state_url = _address(options, guard, "url"), _address(options, guard, "state_url")
    if url is None:
        raise options.wrong("url", "there: it is needed")
    ca_file = options.path("ca_file")
    try:
        tls = trust.context(ca_file)
    except OSError as error:
        raise options.wrong("ca_file", "a file of certificates in PEM") from error
    within = options.duration("timeout", WITHIN, least=LEAST, most=MOST)
    sender = Sender(guard, tls=tls)
    return Webhook(name, url, sender, signers, within=within, state_url=state_url)


class Webhook:
    """One receiver. Any number of threads may use it at once; they share its connections."""

    def __init__(
        self,
        name: str,
        url: str,
        sender: Sender,
        signers: Sequence[Signer],
        *,
        within: timedelta = WITHIN,
        state_url: str | None = None,
    ) -> None:
        self.name = name
        self._target = sender.guard.target(url)
        self._sender = sender
        self._signers = signers
        self._within_s = within.total_seconds()
        self._state_url = state_url

    def deliver(self, order: Order) -> Outcome:
        """Send the order once; at most 18 seconds pass, 15 if the settings say nothing."""
        body = _body(order)
        headers = [*self._signed(order.id, body), ("Content-Type", "application/json")]
        request = Request(
            method="POST", target=self._target, headers=headers, body=body.encode("ascii")
        )
        try:
            answer = self._sent(request)
        except OutboundError as error:
            # Not even a forbidden target is hopeless: a look-up that is wrong for an hour must not
            # make a dead letter of every order. What is plain from the address itself was refused
            # when the settings were read.
            return Retry(problem=error.problem, detail=error.message)
        return _outcome(answer, clock.now())

    def state(self, site: str) -> State | None:
        """What the receiver says of the site at `state_url`; None without one, if it does not know
        the site (404), or if there is no answer to be had, which the log then says."""
        if self._state_url is None:
            return None
        joined = "&" if "?" in self._state_url else "?"
        try:
            target = self._sender.guard.target(f"{self._state_url}{joined}site={quote(site)}")
            headers = self._signed(f"state-{site}", "")
            answer = self._sent(Request(method="GET", target=target, headers=headers))
        except OutboundError as error:
            return _unknown(site, error.problem)
        if answer.status == 404:
            return None
        if answer.status != 200:
            return _unknown(site, f"http_{answer.status}")
        return _state_in(answer) or _unknown(site, "bad_answer")

    def close(self) -> None:
        """End the connections that are kept."""
        self._sender.close()

    def _sent(self, request: Request) -> Answer:
        # A repeated order is known by its id, so that it may be sent again over a new connection.
        return self._sender.send(
            request, within_s=self._within_s, cap=MAX_ANSWER_BYTES, repeatable=True
        )

    def _signed(self, message: str, body: str) -> list[tuple[str, str]]:
        """The headers of Standard Webhooks. Its library misreads a time that is not in UTC."""
        at = clock.in_utc(clock.now())
        signatures = [signer.sign(message, at, body) for signer in self._signers]
        return [
            ("User-Agent", _USER_AGENT),
            ("Accept-Encoding", "identity"),
            ("Webhook-Id", message),
            ("Webhook-Timestamp", str(int(at.timestamp()))),
            ("Webhook-Signature", " ".join(signatures)),
        ]


def _body(order: Order) -> str:
    # Whoever suspends a site on `order.suspend` must not do so when its customer is to be told.
    about = "order" if order.lane == ACT else order.lane
    document = order.document()
    return _canonical(
        {
            "type": f"{about}.{order.kind}",
            "timestamp": document["ordered_at"],
            "data": document,
        }
    )


def _outcome(answer: Answer, now: datetime) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Delivered()
    if status == 410:
        return Failed(problem="gone", detail="the receiver answers 410: it wants no more of them")
    if 300 <= status < 400:
        return Retry(
            problem=f"http_{status}",
            detail=f"the receiver answers {status}, and no redirect is followed: "
            "the setting url must be the address at the end of it",
        )
    return Retry(
        problem=f"http_{status}",
        after=retry_after(answer.header("retry-after"), now),
        detail=f"the receiver answers {status}",
    )


def _state_in(answer: Answer) -> State | None:
    if answer.cut:
        return None
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    state = found.get("state") if isinstance(found, dict) else None
    return cast(State, state) if state in get_args(State) else None


def _unknown(site: str, reason: str) -> State | None:
    _LOG.warning("state_unknown", site=site, reason=reason)
    return None


def _signers(options: Options) -> list[Signer]:
    """One for the secret, and one for the secret before it, while a receiver changes over."""
    secrets = {key: options.secret(key) for key in ("secret", "previous_secret")}
    if secrets["secret"] is None:
        raise options.wrong("secret", "there: it is needed")
    return [_signer(options, key, text) for key, text in secrets.items() if text is not None]


def _signer(options: Options, key: str, text: str) -> Signer:
    from standardwebhooks import Webhook as Signer

    try:
        # The library passes over what is not base64 in silence, and other libraries do not.
        raw = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise options.wrong_secret(key, _WAYS) from error
    if not text.startswith("whsec_") or len(raw) not in SECRET_BYTES:
        raise options.wrong_secret(key, _WAYS)
    return Signer(text)


def _guard(options: Options) -> Guard:
    try:
        return Guard(allow=options.texts("allow"))
    except BadSiteNameError as error:
        raise options.wrong("allow", f"a list of hosts: {error.message}") from error


def _way_out(url: str) -> str:
    """What to write for a host of one's own network, if it is nothing but a host in the list."""
    try:
        host = read_target(url).host
    except ForbiddenTargetError:
        return ""
    return f'; if it is a host of your own network, write allow = ["{host}"]'


def _address(options: Options, guard: Guard, key: str) -> str | None:
    url = options.text(key)
    if url is None:
        return None
    try:
        guard.target(url)
    except ForbiddenTargetError as error:
        expected = f"an address that may be sent to: {error.message}{_way_out(url)}"
        if "@" not in url and "?" not in url:
            raise options.wrong(key, expected) from error
        # What stands before an @ or behind a ? may be a secret.
        raise SettingError(
            where=f"the section {options.where} of the settings file",
            setting=key,
            value="…",
            expected=expected,
        ) from error
    return url
