"""The policy of a contract: a golden one, and for any deal exactly the limits that its entitlement keeps to."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft201909Validator

from services.trading.rules import entitlement as entitlement_rules
from services.trading.rules.contract import draft
from services.trading.rules.listing import Listing
from services.trading.rules.order import Order
from shared import canonical
from shared.grades import Mode
from shared.ids import EntitlementId
from tests.trading.contracts.generated import contract_of, deals, known_deal
from tests.trading.made import NOON

VECTORS = Path(__file__).parents[3] / "../shared/vectors/dsp-2025-1-err1"
GOLDEN: dict[str, Any] = {
    "@context": ["http://www.w3.org/ns/odrl.jsonld", {"yaosu": "urn:yaosu:odrl:1:"}],
    "@type": "Agreement",
    "uid": "urn:yaosu:contract_" + "4" * 32,
    "profile": "urn:yaosu:odrl:1",
    "assigner": "urn:yaosu:participant_" + "b" * 32,
    "assignee": "urn:yaosu:participant_" + "a" * 32,
    "target": "urn:yaosu:version_" + "2" * 32,
    "permission": [{
        "action": "use",
        "constraint": [
            {"leftOperand": "yaosu:mode", "operator": "eq", "rightOperand": "raw"},
            {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["route_planning", "research"]},
            {"leftOperand": "yaosu:fieldOfUse", "operator": "isPartOf", "rightOperand": "air_travel"},
            {"leftOperand": "spatial", "operator": "isPartOf", "rightOperand": "CN-31"},
            {"leftOperand": "elapsedTime", "operator": "lteq",
             "rightOperand": {"@type": "xsd:duration", "@value": "P180D"}},
            {"leftOperand": "count", "operator": "lteq", "rightOperand": {"@type": "xsd:integer", "@value": "12"}},
            {"leftOperand": "dateTime", "operator": "gteq",
             "rightOperand": {"@type": "xsd:dateTime", "@value": "2030-01-02T12:00:00Z"}},
            {"leftOperand": "yaosu:columnsDigest", "operator": "eq",
             "rightOperand": canonical.digest(["代码", "名称"])},
        ],
        "duty": [{"action": "compensate", "constraint": [{
            "leftOperand": "payAmount", "operator": "eq", "unit": "urn:iso:std:iso:4217:CNY",
            "rightOperand": {"@type": "xsd:decimal", "@value": "1000.05"},
        }]}],
    }],
    "prohibition": [
        {"action": "distribute", "assignee": "urn:yaosu:participant_" + "a" * 32},
        {"action": "yaosu:identifyPersons", "assignee": "urn:yaosu:participant_" + "a" * 32},
        {"action": "yaosu:grantBeside", "assignee": "urn:yaosu:participant_" + "b" * 32},
    ],
    "obligation": [{
        "action": "delete", "assignee": "urn:yaosu:participant_" + "a" * 32,
        "constraint": [{"leftOperand": "event", "operator": "gt", "rightOperand": {"@id": "yaosu:endOfRight"}}],
    }],
}  # fmt: skip


def policy_of(order: Order, listing: Listing) -> dict[str, Any]:
    return json.loads(json.loads(contract_of(order, listing).terms)["odrl"])


def test_a_known_deal_has_this_very_policy():
    told = json.loads(draft(*known_deal()).terms)["odrl"]
    assert json.loads(told) == GOLDEN
    assert told.encode() == rfc8785.dumps(GOLDEN)


@settings(deadline=None, max_examples=60)
@given(deal=deals(), days_later=st.integers(0, 60))
def test_what_the_policy_permits_is_what_the_entitlement_lets_through(deal: tuple[Order, Listing], days_later: int):
    order, listing = deal
    granted_at = NOON + timedelta(days=days_later)
    right = entitlement_rules.grant(EntitlementId.new(), order, listing, granted_at)
    policy = policy_of(order, listing)
    (permission,) = policy["permission"]
    limits = [each["leftOperand"] for each in permission["constraint"]]
    assert len(limits) == len(set(limits)), "each limit once"
    said = {each["leftOperand"]: (each["operator"], _value(each["rightOperand"])) for each in permission["constraint"]}
    begins_at = max(granted_at, datetime.fromisoformat(said.pop("dateTime", (None, "0001-01-01T00:00:00Z"))[1]))
    assert said.pop("elapsedTime") == ("lteq", f"P{(right.deadline - begins_at).days}D" if right.deadline else None)
    assert (right.begins_at or granted_at) == begins_at
    assert said.pop("yaosu:mode") == ("eq", right.mode)
    assert said.pop("purpose") == ("isAnyOf", list(right.purposes))
    assert said.pop("count") == ("lteq", str(right.quota_uses))
    assert said.pop("yaosu:fieldOfUse") == ("isPartOf", listing.right.field)
    assert said.pop("spatial") == ("isPartOf", listing.right.territory)
    columns = None if right.columns is None else ("eq", canonical.digest(sorted(right.columns)))
    assert said.pop("yaosu:columnsDigest", None) == columns
    assert not said, "and no other limit"
    assert policy["target"] == f"urn:yaosu:{right.version_id}"
    assert (policy["assignee"], policy["assigner"]) == (f"urn:yaosu:{right.buyer_id}", f"urn:yaosu:{right.provider_id}")


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_what_is_forbidden_and_owed_follows_from_the_deal(deal: tuple[Order, Listing]):
    order, listing = deal
    policy = policy_of(order, listing)
    forbidden = [each["action"] for each in policy["prohibition"]]
    assert len(forbidden) == len(set(forbidden))
    personal = any(flag in {"personal", "sensitive_personal", "minor"} for flag in listing.flags)
    exclusive = {"yaosu:grantBeside"} if order.exclusive else set[str]()
    assert set(forbidden) == {"distribute"} | exclusive | ({"yaosu:identifyPersons"} if personal else set())
    assert ("obligation" in policy) == (listing.mode is not Mode.COMPUTE)
    paid = [duty["constraint"][0]["rightOperand"]["@value"] for duty in policy["permission"][0].get("duty", [])]
    told = str(order.price.minor).rjust(3, "0")
    assert paid == ([f"{told[:-2]}.{told[-2:]}"] if order.price.minor else [])


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_terms_and_policy_are_the_same_each_time(deal: tuple[Order, Listing]):
    assert contract_of(*deal).terms == contract_of(*deal).terms


@settings(deadline=None, max_examples=60)
@given(deal=deals())
def test_a_policy_names_its_one_target_and_no_rule_of_it_does(deal: tuple[Order, Listing]):
    policy = policy_of(*deal)
    assert not [
        rule
        for rule in _objects([policy.get(name) for name in ("permission", "prohibition", "obligation")])
        if "target" in rule
    ]


def test_a_policy_is_an_agreement_by_the_dataspace_protocols_schema():
    if not VECTORS.exists():
        pytest.skip(f"the schemas of the Dataspace Protocol are not at {VECTORS}")
    schema = json.loads((VECTORS / "negotiation" / "contract-schema.json").read_text())
    validator: Any = Draft201909Validator({**schema, "allOf": [{"$ref": "#/definitions/Agreement"}]})
    in_its_words = {"@id" if name == "uid" else name: value for name, value in policy_of(*known_deal()[:2]).items()}
    validator.validate(in_its_words)
    assert not validator.is_valid({name: value for name, value in in_its_words.items() if name != "target"})


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case dict():
            members = cast(dict[str, Any], value)
            yield members
            yield from _objects(list(members.values()))
        case list():
            for each in cast(list[Any], value):
                yield from _objects(each)
        case _:
            pass


def _value(right: Any) -> Any:
    return cast(dict[str, Any], right)["@value"] if isinstance(right, dict) else right
