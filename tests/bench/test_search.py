"""The catalogue that the search is measured on."""

from bench.search import entries
from services.catalog.rules.asset import REGISTERED


def test_it_is_made_by_the_rules_as_they_are_and_shows():
    made = list(entries(3))
    assert [entry.asset.state for entry in made] == [REGISTERED] * 3
    assert all(entry.versions[0].certificate_id for entry in made)
