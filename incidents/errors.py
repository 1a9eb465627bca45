"""Errors that users see: one tree, with exit statuses; the docstring is the message.

A docstring's fields, `{site}`, are the error's facts. The message is one sentence that names the
bad value, and the remedy if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from incidents.cause import Cause as Cause  # noqa: PLC0414 - all rooms have it from here
from incidents.cause import one_of as one_of  # noqa: PLC0414 - the same

DONE, FAILED, MISUSED, REFUSED, NOT_CONFIRMED, NOT_VERIFIED = range(6)
INTERRUPTED = 130


class IncidentsError(Exception):
    """{detail}"""

    exit_status: ClassVar[int] = FAILED

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        self.facts = facts
        self.message = self._sentence() if message is None else message
        super().__init__(self.message)

    @classmethod
    def coded(
        cls, code: str, sentence: str, facts: dict[str, Any] | None = None, /, **shown: Any
    ) -> Self:
        """Make an error; `shown` fills in the sentence (`error.CODE` in catalogues)."""
        return cls(Cause.of(code, sentence, **shown), **(facts or {}))

    def __reduce__(self) -> tuple[Any, ...]:
        # For errors of another process, whatever the class's constructor takes.
        return _again, (type(self), self.message, self.facts)

    def _sentence(self) -> str:
        return " ".join((type(self).__doc__ or "").split()).format_map(self.facts)

    @property
    def name(self) -> str:
        """The error's name for programs: `BadUrlError` is `bad_url`."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
        return words.removesuffix("_error")


def _again(kind: type[IncidentsError], message: str, facts: dict[str, Any]) -> IncidentsError:
    error = kind.__new__(kind, message)
    error.message, error.facts = message, facts
    return error


# ── 1: failed ────────────────────────────────────────────────────────────────────────────────────


class SettingError(IncidentsError):
    """{where} says {setting} = {value!r}, but it must be {expected}"""


class SettingMissingError(SettingError):
    """{where} has no {setting}, but it must be {expected}"""

    name = "setting"


class SecretInFileError(SettingError):
    """{where} has a wrong {setting}: the content of {value} must be {expected}"""

    name = "setting"


class SecretInVariableError(SettingError):
    """{where} has a wrong {setting}: the value of {value} must be {expected}"""

    name = "setting"


class UnknownSettingError(IncidentsError):
    """{where} has an unknown setting {setting!r}; choose from {known}"""


class SettingsFileError(IncidentsError):
    """the settings file {file} cannot be read: {detail}"""


class AwayError(IncidentsError):
    """the service is unavailable; the action may or may not have been done"""


class DatabaseError(AwayError):
    """{detail}"""


class DeniedError(DatabaseError):
    """this database role may not do that ({detail}). People sign in over a server: add --server
    URL. Servers and daemons need the role of `incidents db grants`; their first key and an upgrade
    need the owner of the tables"""


class FileError(IncidentsError):
    """{file} cannot be {done}: {detail}"""

    @classmethod
    def of(cls, file: object, done: str, error: OSError) -> FileError:
        """Make the error that a file cannot be `read` or `written`, with the system's reason."""
        return cls(file=file, done=done, detail=error.strerror or str(error))


class AdapterFaultError(IncidentsError):
    """cannot check the actual state of {site}: {adapter}: adapter fault: {fault}. Repair that
    adapter; you can still check sites of other adapters by name"""

    @property
    def problem(self) -> str:
        """The fault without the site's name."""
        return "{adapter}: adapter fault: {fault}".format_map(self.facts)


class BusyError(IncidentsError):
    """another request of this kind is running: try again in a few seconds"""


class AnswerLostError(IncidentsError):
    """the command took effect, but its result could not be shown: {detail}. Repeat the action with
    the same --key to see its result again"""


# ── 2: wrong usage ───────────────────────────────────────────────────────────────────────────────


class InputError(IncidentsError):
    """{detail}"""

    exit_status = MISUSED


class EmptyReportError(InputError):
    """the report is empty, so it was not kept: check what sends it"""


class EmptyFileError(EmptyReportError):
    """{name} is empty, so nothing was kept: check where it comes from, or leave it out"""


class EmptyInputError(EmptyReportError):
    """standard input is empty, so no report was kept: check what writes it, or name a FILE"""


# ── 3: refused ───────────────────────────────────────────────────────────────────────────────────


class RefusedError(IncidentsError):
    """{detail}"""

    exit_status = REFUSED


class BadTextError(RefusedError):
    """the {what} contains {found}, which cannot be recorded: remove it and try again"""


class TextTooLongError(RefusedError):
    """the {what} has {length} characters, and the limit is {limit}: shorten it, or attach it as a
    file"""


class EmptyTextError(RefusedError):
    """the {what} is empty: write a few words"""


class BadSiteNameError(RefusedError):
    """{given!r} is not a site's name: {detail}"""


class BadUrlError(RefusedError):
    """{given!r} is not a web address that can be recorded: {detail}"""


class TooManyUrlsError(RefusedError):
    """there are {count} web addresses, but an incident can have at most {limit}: log some of them,
    and attach a file that lists them all"""


class EvidenceTooLargeError(RefusedError):
    """{file} has {size} bytes, and evidence can have at most {limit}: attach a smaller file, or
    raise the setting evidence_limit"""


class EmptyEvidenceError(RefusedError):
    """{file} is empty: attach a file with content"""


class ReservedNameError(RefusedError):
    """{given!r} is reserved for the system: give your own name"""


class ActionRefusedError(RefusedError):
    """A refusal of the desk, under its own name; `events` were due before it."""

    def __init__(
        self,
        message: str,
        *,
        name: str,
        facts: dict[str, Any],
        events: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(message)
        self.facts = facts
        self.events = list(events)
        self._name = name

    @property
    def name(self) -> str:
        """The refusal's name."""
        return self._name


class UnknownSiteError(RefusedError):
    """no site named {site}{way_out}"""


class UnknownIncidentError(RefusedError):
    """no incident named {given!r}: an ID looks like 12-3"""


class NoSuchIncidentError(UnknownIncidentError):
    """there is no incident {given}"""

    name = "unknown_incident"


class UnknownContactError(RefusedError):
    """no contact named {given!r}: an ID looks like 12-3-1"""


class UnknownOrderError(RefusedError):
    """no order named {given!r}: an ID looks like 12-o45 or 12-o45.notice"""


class UnknownReportError(RefusedError):
    """no report named {given!r}: an ID looks like r17"""


class NoSuchReportError(UnknownReportError):
    """there is no report {given}"""

    name = "unknown_report"


class ReportNotKeptError(RefusedError):
    """the bytes of report {report} are no longer kept here"""


class RevealDeniedError(RefusedError):
    """{by} may not see personal data in full, so not {about} either"""


class NoPageToSeeError(RefusedError):
    """report {report} names no web address on a site that it may be about: there is no page to look
    at"""


class NoPageOfIncidentError(RefusedError):
    """no report that led to {incident} names a web address on its site: there is no page to look
    at"""


class SealedContentError(RefusedError):
    """{about} may show child abuse, so it is sealed: a supervisor or an administrator can get the
    bytes, for a written reason"""


class SealedReasonError(RefusedError):
    """{about} may show child abuse, so it is sealed: give the reason for opening it"""


class NoSuchAttachmentError(RefusedError):
    """report {report} has no attachment {n}: see the list of its attachments"""

    name = "unknown_attachment"


class NoSuchScreenshotError(RefusedError):
    """report {report} has no screenshot {n}: see the list of its snapshots"""

    name = "unknown_screenshot"


class NoSuchOrderError(UnknownOrderError):
    """there is no order {given}"""

    name = "unknown_order"


class UnknownTaskError(RefusedError):
    """no item of the queue named {given!r}: an ID looks like 12-3 or 12-t2"""


class NoSuchTaskError(UnknownTaskError):
    """the queue has no item {given}"""

    name = "unknown_task"


# ── 4: not confirmed; 5: not verified ────────────────────────────────────────────────────────────


class NotConfirmedError(IncidentsError):
    """nothing was done: closing {site} was not confirmed; {way_out}"""

    exit_status = NOT_CONFIRMED


class VerificationError(IncidentsError):
    """{detail}"""

    exit_status = NOT_VERIFIED


def way_out(extra: str) -> Cause:
    """Return how to install that extra, by the name that the documentation has for it."""
    from incidents import installation

    *others, last = commands = installation.commands(extra)
    told = f"{', '.join(others)} or {last}" if others else last
    return Cause.formatted(
        "install_extra_by" if others else "install_extra",
        f'install the extra "{extra}" with {told}',
        {"extra": extra, "commands": commands},
    )


class LibraryError(IncidentsError):
    """a library is not installed"""

    extra: ClassVar[str]
    """The extra that installs the library, unless the fact `extra` names it."""

    @property
    def way_out(self) -> Cause:
        """How to install the extra."""
        return way_out(self.facts.get("extra") or self.extra)

    def _sentence(self) -> str:
        return f"{super()._sentence()}: {self.way_out}"
