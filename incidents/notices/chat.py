"""The chat channel: sends letters through Apprise (DingTalk, WeCom, Feishu, SMS).

An Apprise address is a secret: neither this module nor Apprise shows or logs it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import quote

from incidents.enforcement.port import Delivered, Outcome, Retry, Skipped
from incidents.errors import Cause, LibraryError, SettingError
from incidents.log import logger
from incidents.notices.letter import Letter, Recipient
from incidents.settings.options import Options

PHONE = "{phone}"
"""The placeholder for the customer's phone number in an address."""

_DEFAULT, _LEAST, _MOST = timedelta(seconds=10), timedelta(seconds=1), timedelta(seconds=15)
_SAMPLE_NUMBER = "+861055550100"
_LOG = logger("notices")


class NoAppriseError(LibraryError):
    """a chat channel needs Apprise, which is not installed"""

    extra = "chat"


class Chat:
    """A channel to several addresses; a letter counts as delivered if one of them accepts it."""

    def __init__(self, name: str, urls: Sequence[str], timeout_s: float = 10.0) -> None:
        self.name = name
        self._urls = tuple(urls)
        self._timeout_s = timeout_s

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:
        """Send the letter's text with its subject."""
        digits = _digits(to.phone)
        urls = [_with_number(url, digits) for url in self._urls if digits or PHONE not in url]
        if not urls:
            return Skipped(why="no_address")
        results = _run_within(lambda: [_notify(url, letter) for url in urls],
                        min(within_s, self._timeout_s))  # fmt: skip
        if results is None:
            return Retry(problem="chat_timeout", detail=f"{self.name} did not answer in time")
        if not any(results):
            return Retry(problem="chat_failed", detail=f"{self.name} did not take it")
        if not all(results):
            _LOG.warning("some of a channel's addresses did not take a notice",
                         count=results.count(False), reason=self.name)  # fmt: skip
        return Delivered()


def make(name: str, options: Options) -> Chat:
    """The channel from its table in the settings: `urls`, or one `url` (or `url_file`, `url_env`).

    Raises:
        SettingError: naming the key and its requirement; never the value.
        NoAppriseError: if Apprise is not installed.
    """
    urls = _urls(options)
    within = options.duration("timeout", _DEFAULT, least=_LEAST, most=_MOST)
    if not urls:
        raise _wrong(options, "urls", 'a list of addresses such as ["wecombot://KEY"]')
    for n, url in enumerate(urls, start=1):
        if _plugin(_with_number(url, _SAMPLE_NUMBER)) is None:
            expected = Cause.of(
                "must_apprise", "addresses that Apprise supports, but number {n} is not", n=n
            )
            raise _wrong(options, "urls", expected)
    return Chat(name, urls, within.total_seconds())


def _urls(options: Options) -> tuple[str, ...]:
    try:
        listed, single = options.texts("urls"), options.secret("url")
    except SettingError as error:
        key = str(error.facts["setting"])
        if key in ("url_file", "url_env"):
            raise
        raise _wrong(options, key, str(error.facts["expected"])) from None
    return listed if single is None else (*listed, single)


def _wrong(options: Options, key: str, expected: str) -> SettingError:
    """The error for a wrong option, without the option's value."""
    error = options.wrong(key, expected)
    return SettingError(where=error.facts["where"], setting=key, value="…", expected=expected)


def _digits(phone: str | None) -> str:
    """The digits of a phone number, after a + if the number has one."""
    digits = "".join(c for c in phone or "" if c.isascii() and c.isdigit())
    return "+" + digits if digits and (phone or "").lstrip().startswith("+") else digits


def _with_number(url: str, number: str) -> str:
    return url.replace(PHONE, quote(number, safe=""))


def _apprise() -> Any:
    """Apprise, with its log disabled because the log would reveal addresses."""
    try:
        import apprise
    except ModuleNotFoundError as error:
        raise NoAppriseError from error
    logging.getLogger("apprise").disabled = True
    return apprise


def _plugin(url: str) -> Any:
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        async_mode=False, http_redirects=False, secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )  # fmt: skip
    return apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)


def _notify(url: str, letter: Letter) -> bool:
    plugin = _plugin(url)
    if plugin is None:
        return False
    # Apprise converts plain text for the plugin's service.
    caller = _apprise().Apprise(asset=plugin.asset)
    caller.add(plugin)
    try:
        return caller.notify(title=letter.subject, body=letter.text, body_format="text") is True
    except Exception as error:  # noqa: BLE001 - any of a hundred plugins
        _LOG.error("a chat plugin failed", error=error)
        return False


def _run_within(work: Callable[[], list[bool]], within_s: float) -> list[bool] | None:
    """The result of the work; None if the time is over, and the work is abandoned."""
    ended: SimpleQueue[list[bool]] = SimpleQueue()
    Thread(target=lambda: ended.put(work()), name="chat", daemon=True).start()
    try:
        return ended.get(timeout=within_s)
    except Empty:
        return None
