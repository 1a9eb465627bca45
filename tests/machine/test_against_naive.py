"""The machine against the naive model of tests/model, written from the specification alone."""

from hypothesis import given, settings

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.policy import Policy
from tests.machine.random_histories import (
    ACTIVATE,
    POLICIES,
    START,
    RandomHistory,
    command,
    histories,
)
from tests.model import naive, spoken

SITE = "site.example"


@settings(max_examples=10 * settings().max_examples)
@given(histories())
def test_the_machine_and_the_naive_model_agree_after_every_step(history: RandomHistory) -> None:
    policy, now = Policy(**history.policy), START
    case = decide(Case(site_id=1, site=SITE), c.AddSite(by="p"), policy, now).case
    model = naive.NaiveDesk(naive.Policy(**history.policy))
    model.add_site(SITE, START)
    for step in history.steps:
        now += step.wait
        asked = command(step, case, now)
        decision = decide(case, asked, policy, now)
        case = decision.case
        refused = None if decision.refusal is None else decision.refusal.name
        known = spoken.counted(asked, case)
        if known is not None:
            assert spoken.apply(model, SITE, known, now) == refused
        else:
            acted = len(decision.events) > decision.due
            spoken.note(model, SITE, asked, now, acted=acted)
        if step.act == ACTIVATE:
            policy = Policy(**POLICIES[step.policy])
            model.activate(naive.Policy(**POLICIES[step.policy]), now)
        assert spoken.of_model(model, SITE) == spoken.of_case(case, policy)
