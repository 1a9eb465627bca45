"""The policy over HTTP: the active policy, its history, trials, checks, and activation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Request
from pydantic import Field

from incidents import views
from incidents.api import bodies, problems
from incidents.api.authentication import PermanentKeyCaller, ReadCaller
from incidents.api.caller import Caller, address_of
from incidents.api.endpoints.session import Person
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import policies as policy_documents
from incidents.locale import words
from incidents.machine import diagram, policy
from incidents.machine.policy import DOCUMENTED, Policy, PolicyError
from incidents.scenario import file as scenario_file
from incidents.scenario import trial
from incidents.scenario.actions import ScenarioError
from incidents.values import inputs

routes = router("policy")

Toml = Annotated[str, Field(max_length=policy.MAX_CHARACTERS, description="TOML.")]


class PolicyFile(bodies.Form):
    """The text of a policy file."""

    toml: Toml


class Activating(PolicyFile):
    """A policy to activate, and the reason."""

    reason: bodies.Text
    second: Person | None = Field(
        None,
        description="The second person, if the active policy needs two people to close a site.",
    )


class Trying(bodies.Form):
    """Scenarios and the policy to run them under, given as `policy` or as the text `toml`."""

    scenarios: Annotated[str, Field(max_length=scenario_file.SENT.characters, description="TOML.")]
    policy: Literal["active", "documented"] = "active"
    toml: Toml | None = None


@routes.get("/policy", **operation("look", policy_documents.Policy))
def show(by: ReadCaller) -> JSON:
    """Show the active policy: its rules in words, its file, when it was activated, and by whom."""
    with by.reading() as connection:
        return JSON(views.active_policy(connection))


@routes.get("/policy/history", **operation("look", policy_documents.Activations))
def history(by: ReadCaller) -> JSON:
    """List all activations: when, by whom, why, and what changed."""
    with by.reading() as connection:
        return JSON({"items": views.policy_history(connection)})


@routes.get("/policy/graph", **operation("look", policy_documents.Graphs))
def drawn(by: ReadCaller) -> JSON:  # noqa: ARG001 - who asks has been let in
    """Return the state machines as Mermaid diagrams, drawn from the program's own tables."""
    return JSON({name: diagram.mermaid(name) for name in diagram.MACHINES})


@routes.post(
    "/policy/check", **operation("simulate", policy_documents.Checked, acting=True, slowed=True)
)
def check(by: ReadCaller, file: PolicyFile) -> JSON:
    """Check a policy: whether it is valid, what it says, and how it differs from the active one."""
    with by.spending():
        wanted = read(file.toml)
    found: policy_documents.Checked = {
        "policy": wanted.digest, "numbers": wanted.document(),
        "words": words.policy_sentences(wanted),
        "changes": words.policy_differences(by.app.desk.policy(), wanted),
    }  # fmt: skip
    return JSON(found)


@routes.post(
    "/policy/test", **operation("simulate", policy_documents.Trials, acting=True, slowed=True)
)
def test(by: ReadCaller, tried: Trying) -> JSON:
    """Run scenarios in memory, each a history with its expected results.

    A request can have up to 1,000 steps, a scenario up to 200.
    """
    with by.spending():
        return JSON(_tried(by, tried))


def _tried(by: Caller, tried: Trying) -> policy_documents.Trials:
    try:
        scenarios = scenario_file.read(tried.scenarios, scenario_file.SENT)
    except ScenarioError as error:
        raise problems.unprocessable("bad_scenario", str(error)) from error
    if tried.toml is not None:
        under = read(tried.toml)
    else:
        under = DOCUMENTED if tried.policy == "documented" else by.app.desk.policy()
    items = [trial.run(scenario, under).document() for scenario in scenarios]
    passed = all(each["passed"] for each in items)
    return {"policy": under.digest, "passed": passed, "items": items}


@routes.post(
    "/policy/activate",
    **operation("activate_policy", policy_documents.Activated, acting=True, slowed=True),
)
def activate(request: Request, by: PermanentKeyCaller, file: Activating) -> JSON:
    """Activate a policy, with a reason on record.

    Actions that are already due happen first, under the old policy. Deadlines that are already set
    do not change.
    """
    wanted, reason, second = read(file.toml), inputs.text("reason")(file.reason), file.second
    by.take_quota(1)
    answer = by.app.desk.activate(
        wanted.toml(), by=by.by, login=by.identity.login, reason=reason,
        key=None if by.key is None else f"{by.by}:{by.key}", given_key=by.key,
        dry_run=by.dry_run, signed_in=by.identity.proved_at is not None,
        second=None if second is None else request.app.state.authenticator.identify_second(
            second.handle, second.password, address_of(request), beside=by.by,
            code=second.code,
        ),
    )  # fmt: skip
    return JSON(answer)


def read(toml: str, *, where: Sequence[str] = ("toml",)) -> Policy:
    """Read the policy in a text; `where` is the location of the text in the body.

    Raises:
        Problem: 422, if the text is not a valid policy.
    """
    try:
        return policy.read(toml)
    except PolicyError as error:
        wrong = problems.part("no_policy", "not a policy", "body", *where)
        raise problems.unprocessable("no_policy", str(error), errors=[wrong]) from error
