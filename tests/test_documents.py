"""What the documents say of the code is what the code is."""

import re
from dataclasses import make_dataclass
from typing import Any

import pytest

from docs import diagrams, facts, permissions
from shared.ids import AssetId
from shared.settings import SERVICES


def test_the_diagrams_in_architecture_are_those_of_the_tables():
    text = diagrams.DOCUMENT.read_text()
    assert diagrams.drawn(text) == text, "run `make diagrams`"


def test_the_page_of_facts_is_what_the_code_says():
    text = facts.DOCUMENT.read_text()
    assert facts.drawn(text) == text, "run `make diagrams`, and give every act that changed a new `v`"


def test_the_page_of_permissions_is_what_the_routes_name():
    text = permissions.DOCUMENT.read_text()
    assert permissions.drawn(text) == text, "run `make diagrams`"


@pytest.mark.parametrize("service", SERVICES)
def test_every_act_has_a_name_of_its_own_and_says_what_it_is(service: str):
    acts = [fact for fact in facts.facts(service) if facts.is_act(fact)]
    assert len({fact.act(service) for fact in acts}) == len(acts) > 0
    assert [fact.__name__ for fact in acts if not facts.sentence(fact)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_other_facts_derive_from_is_never_recorded(service: str):
    bases = {fact.__name__ for fact in facts.facts(service) if not facts.is_act(fact)}
    for path in (diagrams.ROOT / "services" / service).rglob("*.py"):
        if "events" not in {path.stem, path.parent.name}:
            made = bases.intersection(re.findall(r"(\w+)[.(]", path.read_text()))
            assert not made, f"{path} makes {made}: derive an act from it, and make that"


OPEN = [
    Any, object, float, dict, dict[str, object], dict[str, int], list[str], tuple, tuple[int, str], tuple[Any, ...],
    tuple[str | None, ...], frozenset, frozenset[object], make_dataclass("Loose", [("inside", Any)]),
]  # fmt: skip


@pytest.mark.parametrize("kind", OPEN, ids=str)
def test_a_member_that_leaves_open_what_it_holds_is_refused(kind: object):
    with pytest.raises(TypeError, match="leaves open"):
        facts.members(make_dataclass("Told", [("asset_id", AssetId), ("it", kind)]))


def test_every_decision_has_its_sentence():
    for path in sorted((diagrams.ROOT / "docs" / "decisions").glob("*.md")):
        assert re.search(r"\*\*Decision\.\*\* \*[^*]+\*", path.read_text()), f"{path.name} decides nothing"


def test_every_link_in_the_documents_leads_somewhere():
    for path in [*diagrams.ROOT.glob("*.md"), *diagrams.ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!http|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} points at {target}"
