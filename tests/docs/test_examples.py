"""The examples of configurations: a page shows the file that the tests run."""

import re

import pytest

from tests.docs.pages import ROOT

DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", ["patroni.yml", "haproxy.cfg"])
def test_the_page_about_clusters_shows_the_files_that_the_failovers_run(name: str) -> None:
    page = (DOCS / "how-to/run-a-cluster.md").read_text()
    blocks = re.findall(r"```(?:yaml)?\n(.*?)```", page, re.DOTALL)
    assert (DOCS / "examples" / name).read_text() in blocks
