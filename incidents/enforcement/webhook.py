"""The webhook: sends orders to a receiver over HTTP, signed according to Standard Webhooks.

The status of the receiver's answer is the outcome. 2xx: done. 410: the receiver wants no more
orders, and a person must act. Every other status is retried, even 3xx, so that nobody has to search
for missed orders after repairing a receiver. A redirect is never followed, because a message signed
for one address must not go to another. If the cause is a wrong path or maintenance, people can
repair it within the days for which an order is tried, and the order keeps its position among those
for its site.
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
from incidents.errors import BadSiteNameError, Cause, SettingError
from incidents.log import logger
from incidents.outbound.faults import ForbiddenTargetError, OutboundError
from incidents.outbound.guard import Guard
from incidents.outbound.message import Answer, Request, read_target, retry_after
from incidents.settings.options import Options
from incidents.values.ids import ACT

if TYPE_CHECKING:
    from standardwebhooks import Webhook as Signer

    from incidents.outbound.client import Sender

DEFAULT_TIMEOUT = timedelta(seconds=15)
MIN_TIMEOUT, MAX_TIMEOUT = timedelta(seconds=1), timedelta(seconds=18)
MAX_ANSWER_BYTES = 64 * 1024
SECRET_BYTES = range(24, 65)
"""The lengths of secrets that Standard Webhooks allows, in bytes."""

_USER_AGENT = f"incidents/{incidents.__version__}"
_FORMAT = "whsec_ and then 24 to 64 bytes in base64, as echo whsec_$(openssl rand -base64 32) makes"
# Cached, since `json.dumps` would create one each time. Its output is RFC 8785, for ASCII text.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_LOG = logger("acts")


def make(name: str, options: Options) -> Webhook:
    """The webhook adapter from its table in the settings.

    `url` and `secret` are required; `previous_secret`, `allow`, `timeout`, `state_url` and
    `ca_file` are optional.

    Raises:
        SettingError: naming the key, its value and its requirement.
        ModuleNotFoundError: if the libraries of `incidents[webhook]` are not installed.
    """
    from incidents.outbound import trust
    from incidents.outbound.client import Sender

    signers = _signers(options)
    guard = _guard(options)
    url, state_url = _address(options, guard, "url"), _address(options, guard, "state_url")
    if url is None:
        raise options.wrong("url", Cause.of("must_be_there", "there: it is needed"))
    ca_file = options.path("ca_file")
    try:
        tls = trust.context(ca_file)
    except OSError as error:
        raise options.wrong(
            "ca_file", Cause.of("must_pem", "a file of certificates in PEM")
        ) from error
    timeout = options.duration("timeout", DEFAULT_TIMEOUT, least=MIN_TIMEOUT, most=MAX_TIMEOUT)
    sender = Sender(guard, tls=tls)
    return Webhook(name, url, sender, signers, timeout=timeout, state_url=state_url)


class Webhook:
    """The adapter for one receiver. It is thread-safe; threads share its connections."""

    def __init__(
        self,
        name: str,
        url: str,
        sender: Sender,
        signers: Sequence[Signer],
        *,
        timeout: timedelta = DEFAULT_TIMEOUT,
        state_url: str | None = None,
    ) -> None:
        self.name = name
        self._target = sender.guard.target(url)
        self._sender = sender
        self._signers = signers
        self._timeout_s = timeout.total_seconds()
        self._state_url = state_url

    def deliver(self, order: Order) -> Outcome:
        """Send the order once, within 15 seconds by default, and 18 at most."""
        body = _body(order)
        headers = [*self._signed_headers(order.id, body), ("Content-Type", "application/json")]
        request = Request(
            method="POST", target=self._target, headers=headers, body=body.encode("ascii")
        )
        try:
            answer = self._send(request)
        except OutboundError as error:
            # Even a forbidden target is retried: wrong DNS answers for an hour must not make every
            # order a dead letter. A forbidden address in the settings was refused earlier.
            return Retry(problem=error.problem, detail=error.message)
        return _outcome(answer, clock.machine_now())

    def state(self, site: str) -> State | None:
        """The site's state, requested from `state_url`.

        None without a URL, for an unknown site (404), or without an answer; a missing answer is
        logged.
        """
        if self._state_url is None:
            return None
        joined = "&" if "?" in self._state_url else "?"
        try:
            target = self._sender.guard.target(f"{self._state_url}{joined}site={quote(site)}")
            headers = self._signed_headers(f"state-{site}", "")
            answer = self._send(Request(method="GET", target=target, headers=headers))
        except OutboundError as error:
            return _unknown(site, error.problem)
        if answer.status == 404:
            return None
        if answer.status != 200:
            return _unknown(site, f"http_{answer.status}")
        return _state_in(answer) or _unknown(site, "bad_answer")

    def close(self) -> None:
        """Close the idle connections."""
        self._sender.close()

    def _send(self, request: Request) -> Answer:
        # The receiver knows a repeated order by its id, so it may be sent again.
        return self._sender.send(
            request, within_s=self._timeout_s, cap=MAX_ANSWER_BYTES, repeatable=True
        )

    def _signed_headers(self, message: str, body: str) -> list[tuple[str, str]]:
        """The headers of Standard Webhooks; its own library misreads times that are not in UTC."""
        at = clock.in_utc(clock.machine_now())
        signatures = [signer.sign(message, at, body) for signer in self._signers]
        return [
            ("User-Agent", _USER_AGENT),
            ("Accept-Encoding", "identity"),
            ("Webhook-Id", message),
            ("Webhook-Timestamp", str(int(at.timestamp()))),
            ("Webhook-Signature", " ".join(signatures)),
        ]


def _body(order: Order) -> str:
    # A receiver that suspends a site on `order.suspend` must not do so for a customer's notice.
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
    """A signer for the secret, and one for the previous secret during a change of secrets."""
    secrets = {key: options.secret(key) for key in ("secret", "previous_secret")}
    if secrets["secret"] is None:
        raise options.wrong("secret", Cause.of("must_be_there", "there: it is needed"))
    return [_signer(options, key, text) for key, text in secrets.items() if text is not None]


def _signer(options: Options, key: str, text: str) -> Signer:
    from standardwebhooks import Webhook as Signer

    try:
        # The library silently skips invalid base64; other libraries do not.
        raw = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise options.wrong_secret(key, _FORMAT) from error
    if not text.startswith("whsec_") or len(raw) not in SECRET_BYTES:
        raise options.wrong_secret(key, _FORMAT)
    return Signer(text)


def _guard(options: Options) -> Guard:
    try:
        return Guard(allow=options.texts("allow"))
    except BadSiteNameError as error:
        raise options.wrong(
            "allow", Cause.of("must_hosts", "a list of hosts: {message}", message=error.message)
        ) from error


def _allow_hint(url: str) -> str:
    """The advice to allow a host in the operator's own network, if nothing else is wrong."""
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
        expected = Cause.of(
            "must_allowed_address",
            "an address that may be sent to: {message}{way_out}",
            message=error.message,
            way_out=_allow_hint(url),
        )
        if "@" not in url and "?" not in url:
            raise options.wrong(key, expected) from error
        # The part before an @ or after a ? may be a secret.
        raise SettingError(
            where=Cause.of(
                "section", "the section {where} of the settings file", where=options.where
            ),
            setting=key,
            value="…",
            expected=expected,
        ) from error
    return url
