"""The submission of an action's command to the desk, with confirmation and answer."""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.cli import answers
from incidents.cli.confirmation import read_confirmation, wrong_confirmation
from incidents.cli.run import Run
from incidents.errors import Cause, NotConfirmedError
from incidents.machine.commands import CLOCK, Command, Elapse, HandOver, Log, Recur
from incidents.system.terminal import is_terminal
from incidents.values import site_name, web_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.params import Remarked
    from incidents.contract.documents.sites import Site
    from incidents.desk import Answer, Envelope
    from incidents.desk.transaction import Sequel
    from incidents.machine.policy import Policy

# The time within which a line typed again is taken for a slip.
SAME_LINE_FOR = timedelta(seconds=60)


class Submission:
    """The submission of a person's commands to the desk; it also writes the answer."""

    def __init__(
        self, run: Run, *, key: str | None, dry_run: bool, policy: Policy | None = None
    ) -> None:
        self.run = run
        self.key = key
        self.dry_run = dry_run
        self.policy = policy
        self.also: list[Remarked] = []
        """Further remarks on the answer, after the desk's own."""
        self.before: list[Envelope] = []
        self.sequel: Sequel | None = None
        """What comes before the command in its transaction, and what follows."""

    @property
    def by(self) -> str:
        """The person who acts."""
        return self.run.settings.person

    def submit(self, site: str | int, command: Command, *, about: str | None = None) -> None:
        """Submit a command, and write the answer.

        `about`: the ID that was typed, which `-q` prints.

        Raises:
            ActionRefusedError: with the refusal's name, facts and sentence.
        """
        answer = self._send(self._envelope(site, command, key=self.key))
        answers.write_answer(self.run, answer, dry_run=self.dry_run, about=about, also=self.also)

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
        """Submit a command, but only once if the same line is typed again within a minute.

        Pressing Enter twice must not log two violations. A script has no terminal, so every line of
        a script counts. A person who really means a second violation sets `may_repeat`, as the
        answer explains (`act.same_line`). A violation that closes the site must be confirmed first,
        by `confirm` or at a terminal.

        Raises:
            ActionRefusedError: as `submit` does.
            NotConfirmedError: without the right confirmation.
        """
        may_be_a_slip = not may_repeat and self.key is None and not self.dry_run
        by_line = may_be_a_slip and is_terminal(sys.stdin)
        envelope = self._envelope(site, command, key=self.key)
        if by_line:
            line = _key_of_line(self.by, self.run.settings.login, site, command)
            envelope = replace(envelope, key=line, key_for=SAME_LINE_FOR)
        answer = self._send_confirmed(envelope, confirm)
        if by_line and answer.repeated:
            self.run.inform(self.run.text(f"act.same_line.{another}"))
        answers.write_answer(
            self.run, answer, dry_run=self.dry_run, repetition_told=by_line, about=about,
            also=self.also,
        )  # fmt: skip

    def submit_in_person(self, site: str | int, command: Command, password: Path | None) -> None:
        """Submit a command in person: its author signs in first, if that is required.

        The password is checked first, even for a dry run, so that nobody else learns anything.

        Raises:
            ActionRefusedError: as `submit` does.
            PasswordNeededError, SignInError, BlockedError, ProblemError: see `reauthentication`.
        """
        from incidents.cli import reauthentication

        with reauthentication.for_command(self.run, command, password) as signed_in:
            answer = self._send(self._envelope(site, command, key=self.key, signed_in=signed_in))
        answers.write_answer(self.run, answer, dry_run=self.dry_run, also=self.also)

    def close_site(
        self,
        site: str | int,
        command: Command,
        *,
        confirm: str | None,
        password: Path | None,
        about: str | None = None,
    ) -> None:
        """Submit a command that closes a site on a person's statement, once it is confirmed.

        The author signs in first, if that is required. If the desk would refuse the command, it is
        refused before anybody is asked to confirm. A command that does not close the site yet needs
        no confirmation.

        Raises:
            ActionRefusedError: as `submit` does.
            NotConfirmedError: without the right confirmation.
            PasswordNeededError, SignInError, BlockedError, ProblemError: see `reauthentication`.
        """
        from incidents.cli import reauthentication

        with reauthentication.for_command(self.run, command, password, self.policy) as signed_in:
            envelope = self._envelope(site, command, key=self.key, signed_in=signed_in)
            if not self.dry_run:
                expected, seen = self._refuse_if_impossible(envelope)
                if expected["state"] == "closed":
                    _confirm(self.run, str(expected["site"]), confirm)
                # The confirmation applies to the shown state: a server gets its ETag.
                envelope = replace(envelope, seen=seen)
            answer = self._send(envelope)
        answers.write_answer(self.run, answer, dry_run=self.dry_run, about=about, also=self.also)

    def refuse_if_impossible(self, site: str | int, command: Command) -> None:
        """Check that the desk would accept the command, without executing it.

        Raises:
            ActionRefusedError: as `submit` does.
        """
        self._refuse_if_impossible(self._envelope(site, command, key=self.key))

    def hand_over(self, to: str) -> list[Answer]:
        """Hand over all items of the person who acts; the caller writes the answer.

        `to`: the person who takes the items over.
        """
        envelope = self._envelope(0, HandOver(by=self.by, to=to), key=self.key)
        return self.run.app.hand_over(envelope, dry_run=self.dry_run)

    def submit_all(self, commands: list[tuple[int, Command]]) -> list[Answer]:
        """Submit commands in one transaction; the caller writes the answers.

        Each site gets its own key, `K:12` for `--key K` and the site 12, so there can be at most
        one command for each site.
        """
        envelopes = [
            replace(
                self._envelope(site, command, key=self.key and f"{self.key}:{site}"),
                given_key=self.key,
            )
            for site, command in commands
        ]
        return self.run.app.desk.submit(envelopes, dry_run=self.dry_run, policy=self.policy)

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
        """Try the command in a dry run; raise the refusal, if there is one.

        Return the site after the command, and the number of the entry at which it was read.
        """
        expected = self._send(envelope, dry_run=True)
        if expected.refusal is not None and expected.site_id is not None:
            # Refused or not, the deadlines due before the command take effect (D.4).
            self._send(self._envelope(expected.site_id, Elapse()))
        answers.raise_refusal(self.run, expected)
        due = sum(1 for _ in takewhile(lambda event: event.by == CLOCK, expected.events))
        return expected.site_document, None if self.run.remote else expected.first_seq - 1 + due

    def _send_confirmed(self, envelope: Envelope, confirm: str | None) -> Answer:
        """Send the command; ask first if it closes the site or has addresses on other hosts.

        Only a person at a terminal can be asked; `confirm` answers the question in advance. No
        question is asked in a pipe or for a dry run.
        """
        command = envelope.command
        can_be_asked = is_terminal(sys.stdin) and is_terminal(sys.stderr)
        asks = isinstance(command, Log | Recur) and (confirm is not None or can_be_asked)
        if self.dry_run or not asks:
            return self._send(envelope)

        unconfirmed = replace(envelope, unless_closing=True)
        hosts: tuple[str, ...] = ()
        if isinstance(command, Log) and isinstance(envelope.site, str):
            hosts = tuple(
                host
                for host in web_address.other_hosts(command.urls, envelope.site)
                if not self.is_known_host(host, envelope.site)
            )
        if hosts:
            # An impossible or repeated command needs no confirmation.
            expected = self._send(unconfirmed, dry_run=True)
            if expected.refusal is None and not expected.repeated:
                _confirm_host(self.run, str(envelope.site), confirm, hosts)
        answer = self._send(unconfirmed)
        if answer.refusal is None or answer.refusal.name != "would_close":
            return answer
        facts = answer.refusal.facts
        lines = [_of_hosts(self.run, facts["site"], hosts)] if hosts else []
        n, needed, within = facts["n"], facts["needed"], facts["within_s"]
        lines.append(self.run.question("act.place", n=n, needed=needed, within=within))
        _confirm(self.run, facts["site"], confirm, lines)
        return self._send(envelope)

    def _send(self, envelope: Envelope, *, dry_run: bool = False) -> Answer:
        if self.run.remote is not None and not envelope.signed_in:
            self.run.remote.check_named_person()
        dry_run = self.dry_run or dry_run
        if self.sequel is None:
            [answer] = self.run.app.desk.submit([envelope], dry_run=dry_run, policy=self.policy)
            return answer
        from incidents.desk.envelope import join_answers

        answers_ = self.run.app.desk.submit(
            [*self.before, envelope], dry_run=dry_run, policy=self.policy, sequel=self.sequel
        )
        answer, *more = answers_[len(self.before) :]
        return self.finish(reduce(join_answers, more, answer))

    def is_known_host(self, _host: str, _site: str) -> bool:
        """Whether the site is known to have that host, which is not below its name."""
        return False

    def finish(self, answer: Answer) -> Answer:
        """Complete the answer for programs; a subclass may add to it."""
        return answer


def _key_of_line(person: str, login: str, site: str | int, command: Command) -> str:
    line = json.dumps([_salt(), person, login, site, type(command).__name__, repr(command)])
    return f"line:{hashlib.sha256(line.encode()).hexdigest()}"


def _salt() -> str:
    """Return a secret of this machine, so that a stored key cannot reveal a short note."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return str(uuid.getnode())


def _confirm(run: Run, site: str, confirm: str | None, lines: Sequence[str] = ()) -> None:
    ask = [run.question("act.closes", site=site_name.in_full(site)), run.question("confirm.ask")]
    typed = read_confirmation(run, [*lines, *ask], confirm)
    if typed is None:
        way_out = Cause.of("add_confirm", "add --confirm {right}", right=site)
        raise NotConfirmedError(site=site, way_out=way_out)
    if not site_name.matches_name(site, typed):
        raise NotConfirmedError(site=site, way_out=_instead(site, confirm))


def _confirm_host(run: Run, site: str, confirm: str | None, hosts: Sequence[str]) -> None:
    ask = [_of_hosts(run, site, hosts), run.question("act.ask_host", site=site_name.in_full(site))]
    typed = read_confirmation(run, ask, confirm)
    if typed is None or not site_name.matches_name(site, typed):
        raise NotConfirmedError.coded(
            "host_not_confirmed",
            "Nothing was done: the address is on {hosts}, not on {site}, and that was not"
            " confirmed; {way_out}",
            {"site": site, "hosts": list(hosts)},
            site=site, hosts=", ".join(hosts), way_out=_instead(site, confirm),
        )  # fmt: skip


def _of_hosts(run: Run, site: str, hosts: Sequence[str]) -> str:
    return run.question("act.host", site=site, hosts=list(hosts))


def _instead(site: str, confirm: str | None) -> Cause:
    if confirm is None:
        return Cause.of("typed_no_name", "you typed another name")
    return wrong_confirmation(confirm, site)
