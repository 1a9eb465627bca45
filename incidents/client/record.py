"""The record of a server: exports, signing, proofs, reports and erasure at the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from incidents.client.faults import ServerError
from incidents.client.http import Exchange, part
from incidents.clock import read_rfc3339
from incidents.errors import Cause
from incidents.values.json_object import JSONObject

if TYPE_CHECKING:
    from incidents.audit.proof.verdict import Verdict, VerifyOptions
    from incidents.audit.split import Replayed
    from incidents.contract.documents import policies as policy_documents
    from incidents.contract.documents import proofs, record
    from incidents.desk.erasure_request import ErasureResult
    from incidents.desk.pseudonyms import RetentionResult


Done = Callable[[int], object]
Watch = Callable[[int], AbstractContextManager[Done]]
"""A function that gets the number of entries to verify, and yields a function for progress."""

LONG_S = 600.0
"""The timeout in seconds for the start of an answer that the server makes from the whole record."""
_WAIT_S = 20


class LostProofError(ServerError):
    """{server} did not send a readable result of the verification ({detail}): try again"""


class RemoteRecord:
    """The record of a server.

    All methods raise ProblemError for a refusal, and ServerError if there is no answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def exported(self, **asked: Any) -> Iterator[bytes]:
        """Download the stored entries, filtered by `site`, `since` and `until`, as `format`."""
        return self._exchange.pieces("/export", **asked)

    def bundle(self, **asked: Any) -> Iterator[bytes]:
        """Download the archive of a bundle, by `site`, `since`, `until` and `with_words`."""
        return self._exchange.pieces("/bundle", within_s=LONG_S, **asked)

    def report(self, site: str, *, with_words: bool) -> Iterator[bytes]:
        """Download the case file of a site, as a page."""
        path = f"/sites/{part(site)}/report"
        return self._exchange.pieces(path, within_s=LONG_S, with_words=with_words)

    def status(self) -> record.LogStatus:
        """Return the numbers of pending, numbered and published entries, and the signers."""
        return cast("record.LogStatus", self._exchange.get("/log"))

    def keys(self) -> list[record.LogKey]:
        """List the log's keys, the active key first."""
        return list(self._exchange.get("/log/keys")["items"])

    def checkpoint(self) -> record.Checkpoint:
        """Have the server sign the present entries; `pending`: the number of uncovered entries."""
        return cast("record.Checkpoint", self._done("/log/checkpoint", None))

    def verdict(self, asked: VerifyOptions, watch: Watch) -> Verdict:
        """Have the server verify its log; return the verdict."""
        words: JSONObject = {
            "keys": [*map(str, asked.keys)], "witnesses": [*map(str, asked.witnesses)],
            "checkpoints": [str(held.note) for held in asked.held], "policy": asked.policy,
        }  # fmt: skip
        if asked.since is not None:
            words["since"] = str(asked.since.note)
        # The server names a checkpoint by its position, the user by its file.
        places = {f"checkpoints {n}": held.where for n, held in enumerate(asked.held)}
        if asked.since is not None:
            places["since"] = asked.since.where
        shown: proofs.Verdict = self._proved("/log/verify", words, watch)
        return _verdict(shown, places)

    def replayed(self, site: str | None, watch: Watch) -> Replayed:
        """Have the server replay all sites or one site; return the result."""
        from incidents.audit.rows import Finding
        from incidents.audit.split import Replayed

        shown: proofs.Derived = self._proved("/log/replay", {"site": site}, watch)
        return Replayed(
            sites=shown["sites"], entries=shown["entries"], more=shown["more"],
            findings=tuple(Finding(**cast("Any", each)) for each in shown["findings"]),
        )  # fmt: skip

    def _proved(self, path: str, words: JSONObject, watch: Watch) -> Any:
        """Start a verification or a replay, wait without a limit, and return the result."""
        proof = self._done(path, words)
        with watch(proof["of"]) as done:
            proof = self._ended(path, proof, done)
        if proof["shown"] is None:
            raise LostProofError(
                server=self._exchange.server,
                detail=Cause.of("failed_see_log", "it failed; the server log says why"),
            )
        return proof["shown"]

    def _ended(self, path: str, proof: JSONObject, done: Done) -> JSONObject:
        begun, looked_at = proof["begun_at"], 0
        while proof["ended_at"] is None:
            done(proof["entries"] - looked_at)
            looked_at = proof["entries"]
            proof = self._exchange.get(path, wait=_WAIT_S)
            if proof["begun_at"] != begun:
                raise LostProofError(
                    server=self._exchange.server,
                    detail=Cause.of("another_begun", "somebody has started another one since"),
                )
        return proof

    def _done(self, path: str, words: JSONObject | None) -> JSONObject:
        found, _ = self._exchange.exchange("POST", path, words=words, within_s=LONG_S)
        return found


def _verdict(shown: proofs.Verdict, places: Mapping[str, str]) -> Verdict:
    from incidents.audit.facts import Flaw
    from incidents.audit.proof import signed_check, site_check
    from incidents.audit.proof.verdict import Archived, Verdict
    from incidents.record.own_events import LostEnd

    known = {each.name for each in fields(Verdict)}
    values = {name: _frozen(value) for name, value in shown.items() if name in known}
    values["witnesses"] = {
        key: signed_check.Witnessed(**seen) for key, seen in shown["witnesses"].items()
    }
    if shown["since"] is not None:
        values["since"] = site_check.Since(**shown["since"] | {"where": places["since"]})
    if "archive" in shown:
        values["archive"] = Archived(**shown["archive"])
    # An older server does not say it.
    values["lost_its_end"] = tuple(LostEnd(**each) for each in shown.get("lost_its_end", ()))
    values["agreeing"] = tuple(places.get(where, where) for where in shown["agreeing"])
    values["findings"] = tuple(
        Flaw(**cast("Any", each) | {"where": places.get(each["where"], each["where"])})
        for each in shown["findings"]
    )
    return Verdict(**values)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


class RemoteErasure:
    """Erasure at the server, by its own settings.

    All methods raise ProblemError for a refusal, and ServerError if there is no answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def erase_site(
        self, site: str, reason: str, *, dry_run: bool, confirm: Callable[[], None]
    ) -> ErasureResult:
        """Erase people's texts about a site.

        If there are any, `confirm` is called first; it can raise an error to cancel the erasure.
        """
        path, words = f"/sites/{part(site)}/erase", {"reason": reason}
        found = self._done(path, words, dry_run=True)
        if not dry_run:
            if found["words"] or found["files"]:
                confirm()
            found = self._done(path, words | {"confirm": site}, dry_run=False)
        return _met(cast("policy_documents.Erased", found))

    def erase_account(
        self, handle: str, reason: str, *, dry_run: bool, confirm: Callable[[], None]
    ) -> policy_documents.ErasedAccount:
        """Erase the person and addresses in an account's sign-ins; `confirm`: see `erase_site`."""
        path, words = f"/accounts/{part(handle)}/erase", {"reason": reason}
        found = self._done(path, words, dry_run=True)
        if not dry_run and found["sign_ins"]:
            confirm()
            found = self._done(path, words | {"confirm": handle}, dry_run=False)
        return cast("policy_documents.ErasedAccount", found | {"dry_run": dry_run})

    def erase_reporter(
        self, reporter: str, reason: str, *, dry_run: bool, confirm: Callable[[], None]
    ) -> policy_documents.ErasedReporter:
        """Erase a reporter; `confirm`: see `erase_site`."""
        path, words = f"/reporters/{part(reporter)}/erase", {"reason": reason}
        found = self._done(path, words, dry_run=True)
        if not dry_run and (found["words"] or found["files"]):
            confirm()
            found = self._done(path, words | {"confirm": reporter}, dry_run=False)
        return cast("policy_documents.ErasedReporter", found | {"dry_run": dry_run})

    def preview(self) -> RetentionResult:
        """Count the data that could be erased now, without erasing it."""
        return _aged(self._exchange.get("/retention"))

    def erase_aged(self) -> RetentionResult:
        """Erase the expired data; erase nothing unless the server's settings require erasure."""
        done = self._done("/retention/run", None, dry_run=False)
        return _aged(cast("policy_documents.Retention", done))

    def _done(self, path: str, words: JSONObject | None, *, dry_run: bool) -> JSONObject:
        found, _ = self._exchange.exchange(
            "POST", path, words=words, query={"dry_run": dry_run or None}, within_s=LONG_S
        )
        return found


def _met(document: policy_documents.Erased) -> ErasureResult:
    from incidents.desk.erasure import Erased
    from incidents.desk.erasure_request import ErasureResult, YoungData

    staying = document["staying"]
    return ErasureResult(
        site=document["site"], before=read_rfc3339(document["before"]),
        erased=Erased(words=document["words"], files=document["files"]),
        staying=YoungData(
            words=staying["words"], files=staying["files"], first=_moment(staying["first_at"]),
            last=_moment(staying["last_at"]),
        ),
    )  # fmt: skip


def _aged(document: policy_documents.Retention) -> RetentionResult:
    from incidents.desk.erasure import Erased
    from incidents.desk.pseudonyms import RetentionResult
    from incidents.settings.retention import Retention

    keep = Retention(keep=timedelta(seconds=document["keep_s"]), is_enabled=document["asked_for"])
    # An older server erases no sign-ins, keys or checkpoints.
    erased = Erased(
        words=document["words"], files=document["files"], sign_ins=document.get("sign_ins", 0)
    )
    return RetentionResult(
        keep=keep, before=read_rfc3339(document["before"]), erased=erased,
        keys=document.get("keys", 0), checkpoints=document.get("checkpoints", 0),
    )  # fmt: skip


def _moment(value: str | None) -> datetime | None:
    return None if value is None else read_rfc3339(value)
