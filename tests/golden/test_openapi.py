"""What programs know of the API: see CONTRIBUTING, "Tests"."""

from collections import Counter

from tests.golden import files, openapi


def test_the_description_of_the_api_is_as_it_was() -> None:
    difference = files.difference(openapi.files())
    assert not difference, difference


def test_each_operation_is_summed_up_in_a_few_plain_words_of_its_own() -> None:
    told = [
        (f"{method} {path}", operation["summary"])
        for path, operations in openapi.document()["paths"].items()
        for method, operation in operations.items()
    ]
    summaries = Counter(summary for _, summary in told)
    assert [
        of for of, summary in told
        if not 2 <= len(summary.split()) <= 30 or summaries[summary] > 1
    ] == []  # fmt: skip
