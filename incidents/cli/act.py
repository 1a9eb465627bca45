"""The act on the command line: one command's way to the desk, with its confirmation and answer."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.cli import answers
from incidents.cli.confirmation import answered, says_otherwise
from incidents.cli.run import Run, is_terminal
from incidents.errors import Cause, NotConfirmedError
from incidents.machine.commands import CLOCK, Command, Elapse, HandOver, Log, Recur
from incidents.values import site_name, web_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.params import Remarked
    from incidents.contract.documents.sites import Site
    from incidents.desk import Answer, Envelope
    from incidents.machine.policy import Policy

# How long a line that is typed again is taken for a finger that slipped.
SAME_LINE_FOR = timedelta(seconds=60)


class Act:
    """What an act's module is given: who acts, and the way to the desk."""

    def __init__(
        self, run: Run, *, key: str | None, dry_run: bool, policy: Policy | None = None
    ) -> None:
        self.run = run
        self.key = key
        self.dry_run = dry_run
        self.policy = policy
        self.also: list[Remarked] = []
        """What is remarked with the answer, beside what the desk remarks."""

    @property
    def by(self) -> str:
        """The person."""
        return self.run.settings.person

    def submit(self, site: str | int, command: Command, *, about: str | None = None) -> None:
        """Do it, and answer; `about` is the id that was typed, for `-q`.

        Raises:
            ActRefusedError: with the refusal's name, facts and sentence.
        """
        answer = self._send(self._envelope(site, command, key=self.key))
        answers.give(self.run, answer, dry_run=self.dry_run, about=about, also=self.also)

    def submit_once(
        self,
        site: str | int,
        command: Command,
        *,
        may_repeat: bool,
        another: str = "violation",
        about: str | None = None,
        confirm: str | None = None,
    ) -> None:
        """Like `submit`; but the same line from a terminal within a minute is the same command.

        Pressing Enter twice must not make two violations. A script has no terminal and means what
        it says; a person who means another one says so, as the answer has it (`act.same_line`), and
        `may_repeat` is that they have. A violation that closes the site is confirmed first, by
        `confirm` or on a terminal.

        Raises:
            ActRefusedError: as `submit` does.
            NotConfirmedError: without the right confirmation.
        """
        may_be_a_slip = not may_repeat and self.key is None and not self.dry_run
        by_line = may_be_a_slip and is_terminal(sys.stdin)
        envelope = self._envelope(site, command, key=self.key)
        if by_line:
            line = _key_of_line(self.by, self.run.settings.login, site, command)
            envelope = replace(envelope, key=line, key_for=SAME_LINE_FOR)
        answer = self._send_asking(envelope, confirm)
        if by_line and answer.repeated:
            self.run.tell(self.run.text(f"act.same_line.{another}"))
        answers.give(
            self.run, answer, dry_run=self.dry_run, repetition_told=by_line, about=about,
            also=self.also,
        )  # fmt: skip

    def submit_in_person(self, site: str | int, command: Command, password: Path | None) -> None:
        """Like `submit`, for what is done in person: who does it signs in, where that is asked for.

        The password is asked for first, also for a dry run: nobody else is told anything.

        Raises:
            ActRefusedError: as `submit` does.
            PasswordNeededError, SignInError, BlockedError, ProblemError: see `reauthentication`.
        """
        from incidents.cli import reauthentication

        with reauthentication.proved(self.run, command, password) as signed_in:
            answer = self._send(self._envelope(site, command, key=self.key, signed_in=signed_in))
        answers.give(self.run, answer, dry_run=self.dry_run, also=self.also)

    def close_site(
        self,
        site: str | int,
        command: Command,
        *,
        confirm: str | None,
        password: Path | None,
        about: str | None = None,
    ) -> None:
        """Like `submit_in_person`, for an act that closes the site on somebody's word: it is
        confirmed before it is done.

        What takes two people is done in person, as in `submit_in_person`. What is impossible is
        refused before anybody is asked to confirm; what closes nothing yet needs no confirmation.

        Raises:
            ActRefusedError: as `submit` does.
            NotConfirmedError: without the right confirmation.
            PasswordNeededError, SignInError, BlockedError, ProblemError: see `reauthentication`.
        """
        from incidents.cli import reauthentication

        with reauthentication.proved(self.run, command, password, self.policy) as signed_in:
            envelope = self._envelope(site, command, key=self.key, signed_in=signed_in)
            if not self.dry_run:
                expected, seen = self._refuse_if_impossible(envelope)
                if expected["state"] == "closed":
                    _confirm(self.run, str(expected["site"]), confirm)
                # What is confirmed is what was looked at; a server is told its ETag so.
                envelope = replace(envelope, seen=seen)
            answer = self._send(envelope)
        answers.give(self.run, answer, dry_run=self.dry_run, about=about, also=self.also)

    def refuse_if_impossible(self, site: str | int, command: Command) -> None:
        """Make sure that the desk would take it, doing nothing.

        Raises:
            ActRefusedError: as `submit` does.
        """
        self._refuse_if_impossible(self._envelope(site, command, key=self.key))

    def hand_over(self, to: str) -> list[Answer]:
        """Give all that one holds to another; the caller answers."""
        order = self._envelope(0, HandOver(by=self.by, to=to), key=self.key)
        return self.run.house.hand_over(order, dry_run=self.dry_run)

    def submit_all(self, commands: list[tuple[int, Command]]) -> list[Answer]:
        """Do many at once, in one transaction; the caller answers.

        Each site has a key of its own, `K:12` for `--key K` and the site 12: at most one command
        for each.
        """
        envelopes = [
            replace(
                self._envelope(site, command, key=self.key and f"{self.key}:{site}"),
                given_key=self.key,
            )
            for site, command in commands
        ]
        return self.run.house.desk.submit(envelopes, dry_run=self.dry_run, policy=self.policy)

    def _envelope(
        self,
        site: str | int,
        command: Command,
        *,
        key: str | None = None,
        signed_in: bool = False,
    ) -> Envelope:
        from incidents.desk import Envelope

        return Envelope(
            site=site, command=command, login=self.run.settings.login, key=key, signed_in=signed_in,
        )  # fmt: skip

    def _refuse_if_impossible(self, envelope: Envelope) -> tuple[Site, int | None]:
        """The site as it would stand then, if the desk would take it, and up to which entry it was
        looked at."""
        expected = self._send(envelope, dry_run=True)
        if expected.refusal is not None and expected.site_id is not None:
            # Refused or not, what fell due before the command is done (D.4).
            self._send(self._envelope(expected.site_id, Elapse()))
        answers.raise_refusal(self.run, expected)
        due = sum(1 for _ in takewhile(lambda event: event.by == CLOCK, expected.events))
        return expected.site_document, None if self.run.remote else expected.first_seq - 1 + due

    def _send_asking(self, envelope: Envelope, confirm: str | None) -> Answer:
        """Send it; a violation that closes the site or is of another host is asked about first.

        Whoever can be asked sits at a terminal; a `confirm` answers in advance. A pipe states a
        fact, and a dry run does nothing.
        """
        command = envelope.command
        can_be_asked = is_terminal(sys.stdin) and is_terminal(sys.stderr)
        asks = isinstance(command, Log | Recur) and (confirm is not None or can_be_asked)
        if self.dry_run or not asks:
            return self._send(envelope)

        unconfirmed = replace(envelope, unless_closing=True)
        hosts: tuple[str, ...] = ()
        if isinstance(command, Log) and isinstance(envelope.site, str):
            hosts = web_address.other_hosts(command.urls, envelope.site)
        if hosts:
            # What is impossible, or was done before, is not asked about.
            expected = self._send(unconfirmed, dry_run=True)
            if expected.refusal is None and not expected.repeated:
                _confirm_host(self.run, str(envelope.site), confirm, hosts)
        answer = self._send(unconfirmed)
        if answer.refusal is None or answer.refusal.name != "would_close":
            return answer
        facts = answer.refusal.facts
        told = [_of_hosts(self.run, facts["site"], hosts)] if hosts else []
        n, needed, within = facts["n"], facts["needed"], facts["within_s"]
        told.append(self.run.text("act.place", n=n, needed=needed, within=within))
        _confirm(self.run, facts["site"], confirm, told)
        return self._send(envelope)

    def _send(self, envelope: Envelope, *, dry_run: bool = False) -> Answer:
        if self.run.remote is not None and not envelope.signed_in:
            self.run.remote.insist_on_who_acts()
        [answer] = self.run.house.desk.submit(
            [envelope], dry_run=self.dry_run or dry_run, policy=self.policy
        )
        return answer


def _key_of_line(person: str, login: str, site: str | int, command: Command) -> str:
    line = json.dumps([_salt(), person, login, site, type(command).__name__, repr(command)])
    return f"line:{hashlib.sha256(line.encode()).hexdigest()}"


def _salt() -> str:
    """What the database does not know: the key is kept there, and must not betray a short note."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return str(uuid.getnode())


def _confirm(run: Run, site: str, confirm: str | None, told: Sequence[str] = ()) -> None:
    ask = [run.text("act.closes", site=site_name.in_full(site)), run.text("confirm.ask")]
    typed = answered(run, [*told, *ask], confirm)
    if typed is None:
        way_out = Cause.of("add_confirm", "add --confirm {right}", right=site)
        raise NotConfirmedError(site=site, way_out=way_out)
    if not site_name.matches_name(site, typed):
        raise NotConfirmedError(site=site, way_out=_instead(site, confirm))


def _confirm_host(run: Run, site: str, confirm: str | None, hosts: Sequence[str]) -> None:
    ask = [_of_hosts(run, site, hosts), run.text("act.ask_host", site=site_name.in_full(site))]
    typed = answered(run, ask, confirm)
    if typed is None or not site_name.matches_name(site, typed):
        raise NotConfirmedError.coded(
            "host_not_confirmed",
            "Nothing was done: the address is on {hosts}, not on {site}, and that was not"
            " confirmed; {way_out}",
            {"site": site, "hosts": list(hosts)},
            site=site, hosts=", ".join(hosts), way_out=_instead(site, confirm),
        )  # fmt: skip


def _of_hosts(run: Run, site: str, hosts: Sequence[str]) -> str:
    return run.text("act.host", site=site, hosts=list(hosts))


def _instead(site: str, confirm: str | None) -> Cause:
    if confirm is None:
        return Cause.of("typed_no_name", "you typed another name")
    return says_otherwise(confirm, site)
