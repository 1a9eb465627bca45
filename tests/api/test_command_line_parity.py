"""Parity: what the command line can do, the API can do too, but for a few with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from incidents.accounts.identity import IN_PERSON
from incidents.api.operation import ACTION, PREFIX
from incidents.cli.root import root
from incidents.contract.actions import ACTIONS
from incidents.machine.commands import FilingCommand
from tests.api.rig import Rig
from tests.docs.pages import ROOT

OVER_HTTP = {
    "queue": "GET /queue",
    "claim": "POST /queue/{item}/claim",
    "claim --release": "POST /queue/{item}/release",
    "hand-over": "POST /queue/hand-over",
    "done": "POST /queue/{item}/done",
    "show": "GET /incidents/{incident}",
    "link": "GET /incidents/{incident}/link",
    "revoke-links": "POST /incidents/{incident}/revoke-links",
    "police list": "GET /duty",
    "report receive": "POST /reports",
    "report list": "GET /reports",
    "report show": "GET /reports/{report}",
    "report source": "GET /reports/{report}/source",
    "report source --attachment": "GET /reports/{report}/attachments/{n}",
    "report source --screenshot": "GET /reports/{report}/snapshots/{n}/screenshot",
    "report source --reason": "POST /reports/{report}/source/open",
    "report log": "POST /reports/{report}/log",
    "report join": "POST /reports/{report}/join",
    "report reopen": "POST /reports/{report}/reopen",
    "report retest": "POST /reports/{report}/retest",
    "report dismiss": "POST /reports/{report}/dismiss",
    "report reporter list": "GET /reporters",
    "report reporter show": "GET /reporters/{reporter}",
    "report reporter mark": "POST /reporters/{reporter}",
    "alarms": "GET /alarms",
    "alarms test": "POST /alarms/test",
    "log": "POST /sites/{site}/incidents",
    "attach": "POST /incidents/{incident}/evidence",
    "contact": "POST /incidents/{incident}/contacts",
    "contact SITE": "POST /sites/{site}/contacts",
    "note": "POST /incidents/{incident}/notes",
    "removed": "POST /incidents/{incident}/removed",
    "refused": "POST /incidents/{incident}/refused",
    "recur": "POST /incidents/{incident}/recur",
    "police done": "POST /incidents/{incident}/reported",
    "void": "POST /incidents/{incident}/void",
    "undo contact": "POST /contacts/{contact}/void",
    "undo incident": "POST /incidents/{incident}/take-back",
    "site add": "POST /sites",
    "site edit": "PATCH /sites/{site}",
    "site list": "GET /sites",
    "site show": "GET /sites/{site}",
    "site why": "GET /sites/{site}/why",
    "site false-info": "POST /sites/{site}/false-info",
    "approve closure": "POST /sites/{site}/confirm-closure",
    "decline closure": "POST /sites/{site}/decline-closure",
    "site hold": "POST /sites/{site}/hold",
    "site hold --lift": "POST /sites/{site}/unhold",
    "site reinstate": "POST /sites/{site}/reinstate",
    "approve reinstatement": "POST /sites/{site}/approve",
    "decline reinstatement": "POST /sites/{site}/decline",
    "site uphold": "POST /sites/{site}/uphold",
    "filing show": "GET /sites/{site}/filing",
    "filing set": "PATCH /sites/{site}/filing",
    "filing server": "PATCH /sites/{site}/filing",
    "filing document": "PATCH /sites/{site}/filing",
    "filing check": "GET /sites/{site}/filing/findings",
    "filing snippet": "GET /sites/{site}/filing/snippet",
    "filing form": "GET /sites/{site}/filing/form",
    "filing fields": "GET /filings/fields",
    "filing presets": "GET /filings/presets",
    "filing terms": "GET /filings/terms",
    "filing import": "POST /filings/import",
    "filing export": "GET /filings/export",
    "report rules show": "GET /intake-rules",
    "report rules show --history": "GET /intake-rules/history",
    "report rules check": "POST /intake-rules/check",
    "report rules try": "POST /intake-rules/try",
    "report rules activate": "POST /intake-rules",
    "policy show": "GET /policy",
    "policy history": "GET /policy/history",
    "policy graph": "GET /policy/graph",
    "policy check": "POST /policy/check",
    "policy test": "POST /policy/test",
    "policy activate": "POST /policy/activate",
    "orders list": "GET /orders",
    "orders show": "GET /orders/{order}",
    "orders release": "POST /orders/{order}/retry",
    "orders retry": "POST /orders/{order}/retry",
    "orders cancel": "POST /orders/{order}/cancel",
    "orders reconcile": "POST /reconcile",
    "account add": "POST /accounts",
    "account list": "GET /accounts",
    "account invite": "POST /invitations",
    "account invitations": "GET /invitations",
    "account uninvite": "DELETE /invitations/{invitation}",
    "account reset-factors": "DELETE /accounts/{handle}/factors",
    "account role": "PATCH /accounts/{handle}",
    "account password": "PUT /accounts/{handle}/password",
    "account disable": "PATCH /accounts/{handle}",
    "account enable": "PATCH /accounts/{handle}",
    "account sessions": "GET /sessions",
    "account sign-out": "DELETE /sessions/{session}",
    "account sign-ins": "GET /sign-ins",
    "account refusals": "GET /refusals",
    "token make": "POST /tokens",
    "token list": "GET /tokens",
    "token revoke": "DELETE /tokens/{token}",
    "metrics": "GET /metrics",
    "notices list": "GET /notices",
    "notices preview": "GET /notices/{notice}/preview",
    "audit export": "GET /export",
    "audit export --format bundle": "GET /bundle",
    "audit report": "GET /sites/{site}/report",
    "audit verify": "POST /log/verify",
    "audit replay": "POST /log/replay",
    "audit status": "GET /log",
    "audit checkpoint": "POST /log/checkpoint",
    "audit key show": "GET /log/keys",
    "person erase": "POST /sites/{site}/erase",
    "person erase --reporter": "POST /reporters/{reporter}/erase",
    "person erase --account": "POST /accounts/{handle}/erase",
    "retention show": "GET /retention",
    "retention run": "POST /retention/run",
    "simulate": "POST /simulate",
    "simulate -o": "POST /simulate/picture",
    "import": "POST /import",
    "daemon status": "GET /enforcement",
}
"""Each command's operation; what stands behind a command's name is one of its several uses."""

OF_THE_MACHINE = {
    "daemon": "a process that is started where it is to run",
    "serve": "the process that gives the API",
    "demo": "a desk of its own on this machine, with servers of its own",
    "completion": "a shell's, about what is typed into it",
    "db upgrade": "of the database itself, before anything can be served from it",
    "db check": "of the database itself; over HTTP /readyz says whether it is as it must be",
    "db backup": "a file beside the database, for whoever keeps the machine",
    "report book": "a file of the customers' addresses, imported beside the database",
    "recover": "what is known of a database that lost its end lies where daemons run",
    "db rekey": "the servers' key is a file where they run",
    "db grants": "for the owner of the database, who is nobody of the desk",
    "audit key new": "makes a private key in a file of the machine that is to sign",
    "audit key rotate": "makes a private key in a file of the machine that signs",
    "filing check-footer": "a page is read where it lies, or fetched as a visitor would see it",
    "audit verify FILE": "a bundle is proved where nobody of the desk need be trusted",
    "audit archive": "for the owner of the tables, with files of the machine that keeps them",
    "audit witness": "a process of somebody else, on a machine of theirs",
}
"""Commands that are of a process or a file and not of the desk, each with the reason."""

OF_THE_DAEMON = {
    "Remind": "by the clock, of a term that nears its end",
    "RaiseSuspicion": "by the checks, in the act that files what they take for false",
    "RecordFooter": "by the duty that looks at the pages of approved sites",
}
"""Commands of the desk about filings that nobody gives by hand, each with who does."""


def commands(group: click.Group, named: tuple[str, ...] = ()) -> Iterator[str]:
    """The name of each command below, as it is typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command, path = group.get_command(context, name), (*named, name)
        if isinstance(command, click.Group):
            yield from commands(command, path)
        else:
            yield " ".join(path)


def told(listed: str, there: set[str]) -> str:
    """The command that an entry of a list is about."""
    [found] = {
        " ".join(listed.split()[:n]) for n in range(1, 4) if " ".join(listed.split()[:n]) in there
    }
    return found


def test_each_command_has_its_operation_or_a_reason_why_it_has_none() -> None:
    there = set(commands(root))
    over_http, of_the_machine = (
        {told(listed, there) for listed in listed_} for listed_ in (OVER_HTTP, OF_THE_MACHINE)
    )
    assert there == over_http | of_the_machine
    assert over_http & of_the_machine == {"daemon", "audit verify"}, "these have two uses"


def test_each_command_about_filings_is_an_act_of_the_table_or_the_daemon_s() -> None:
    acts = {act.command.__name__ for act in ACTIONS}
    about = {kind.__name__ for kind in FilingCommand.__subclasses__()}
    assert about == (about & acts) | OF_THE_DAEMON.keys()
    assert not acts & OF_THE_DAEMON.keys()


def test_each_operation_that_a_command_has_is_described(api: Rig) -> None:
    paths = api.description["paths"]
    described = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in paths.items()
        for method in methods
    }
    assert set(OVER_HTTP.values()) - described == set()


def test_the_guide_names_the_commands_that_ask_for_a_password_and_no_other(api: Rig) -> None:
    paths, there = api.description["paths"], set(commands(root))
    in_person = set()
    for listed, operation in OVER_HTTP.items():
        method, path = operation.split(" ", 1)
        described = paths.get(PREFIX + path) or paths[path]
        if described[method.lower()].get(ACTION) in IN_PERSON:
            in_person.add(told(listed, there))
    guide = (ROOT / "docs/how-to/work-over-a-server.md").read_text(encoding="utf-8")
    section = guide.partition("## What asks for your password")[2].partition("\nOver")[0]
    assert set(re.findall(r"`([^`]+)`", section)) == in_person
