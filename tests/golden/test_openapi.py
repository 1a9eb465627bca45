"""What programs know of the API: see CONTRIBUTING, "Tests"."""

from tests.golden import files, openapi


def test_the_description_of_the_api_is_as_it_was() -> None:
    difference = files.difference(openapi.files())
    assert not difference, difference
