"""Clicks under fire: each call that somebody was told is done is on record once."""

from collections import Counter
from pathlib import Path

import pytest

from tests.fire import clicks
from tests.fire.clicks import judged


@pytest.mark.long
@pytest.mark.both_databases
def test_double_clicks_and_lost_answers_at_a_server_that_is_killed_record_each_call_once(
    db_url: str, tmp_path: Path
) -> None:
    figures = clicks.storm(20_261_129, db_url, tmp_path, 60, kills=1, pauses=1)

    assert figures["calls"] == 60
    for figure in ("double clicks", "answers not waited for", "retries"):
        assert figures[figure] >= 1, figure


def test_the_judge_finds_a_call_that_is_missing_and_one_that_is_there_twice() -> None:
    made = Counter({("1-1", "bounced", None): 2, ("1-1", "no-answer", "call 1"): 1})

    assert judged(made, made) == []
    assert len(judged(made, made - Counter([("1-1", "bounced", None)]))) == 1
    assert len(judged(made, made + Counter([("1-1", "no-answer", "call 1")]))) == 1
    assert len(judged(made, made + Counter([("2-1", "bounced", None)]))) == 1
