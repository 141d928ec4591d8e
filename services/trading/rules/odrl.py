"""The policy of a contract: its terms as an ODRL 2.2 Agreement in JSON-LD, for machines of any maker.

Promises: a function of the terms alone, the same bytes each time; every limit of the deal stands in it once; what it
permits is what the entitlement of the deal lets through. It is a part of what is signed, as text in its own canonical
form (RFC 8785), for its keys (`@context`) are not ours to choose.
The profile `urn:yaosu:odrl:1` adds to the vocabulary: the left operands `mode` (raw, api, desensitised, compute),
`fieldOfUse` and `columnsDigest` (SHA-256 over the sorted names), the actions `identifyPersons` (to find out who
somebody in the data is) and `grantBeside` (to grant the same right to anyone else, forbidden to the assigner of an
exclusive one), and the event `endOfRight`. A right runs for `elapsedTime` from its grant, or from `dateTime` if that is
later.
Sources: ODRL Information Model 2.2, ODRL Vocabulary & Expression 2.2 (W3C, 2018); Dataspace Protocol 2025-1 (an
Agreement names one target, its assigner and its assignee, and no rule in it names a target).
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from shared import canonical
from shared.facts import moment
from shared.grades import Flag, Mode

PROFILE = "urn:yaosu:odrl:1"
CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", {"yaosu": f"{PROFILE}:"}]
IDENTIFYING = frozenset({Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR})
LEAVES_DATA = frozenset({Mode.RAW, Mode.API, Mode.DESENSITISED})  # of which the buyer then has a copy to delete
Policy = dict[str, Any]


def agreement(terms: Mapping[str, Any]) -> Policy:
    """The Agreement that these terms are. Requires plain terms, of version 1 or later."""
    policy: Policy = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": iri(terms["contract_id"]),
        "profile": PROFILE,
        "assigner": iri(terms["provider_id"]),
        "assignee": iri(terms["buyer_id"]),
        "target": iri(terms["subject"]["version_id"]),
        "permission": [{"action": "use", "constraint": _limits(terms), **_paid(terms["price"])}],
        "prohibition": _prohibitions(terms),
    }
    if Mode(terms["mode"]) in LEAVES_DATA:
        over = _constraint("event", "gt", {"@id": "yaosu:endOfRight"})
        policy["obligation"] = [{"action": "delete", "assignee": iri(terms["buyer_id"]), "constraint": [over]}]
    return policy


def encoded(policy: Policy) -> str:
    """The policy's own canonical JSON."""
    return canonical.encode_foreign(policy).decode()


def iri(named: str) -> str:
    """The name of one of our things in a document that leaves us."""
    return f"urn:yaosu:{named}"


def _limits(terms: Mapping[str, Any]) -> list[Policy]:
    right = terms["right"]
    limits = [
        _constraint("yaosu:mode", "eq", terms["mode"]),
        _constraint("purpose", "isAnyOf", list(terms["purposes"])),
        _constraint("yaosu:fieldOfUse", "isPartOf", right["field"]),
        _constraint("spatial", "isPartOf", right["territory"]),
        _constraint("elapsedTime", "lteq", _typed("duration", f"P{right['period_days']}D")),
        _constraint("count", "lteq", _typed("integer", str(terms["quota_uses"]))),
    ]
    if "starts_at" in right:
        starts_at = moment(right["starts_at"]).astimezone(UTC).isoformat().replace("+00:00", "Z")
        limits.append(_constraint("dateTime", "gteq", _typed("dateTime", starts_at)))
    if "columns_digest" in terms:
        limits.append(_constraint("yaosu:columnsDigest", "eq", terms["columns_digest"]))
    return limits


def _prohibitions(terms: Mapping[str, Any]) -> list[Policy]:
    buyer, provider = iri(terms["buyer_id"]), iri(terms["provider_id"])
    forbidden: list[Policy] = [{"action": "distribute", "assignee": buyer}]
    if IDENTIFYING & set(map(Flag, terms["grading"]["flags"])):
        forbidden.append({"action": "yaosu:identifyPersons", "assignee": buyer})
    if terms["right"]["kind"] == "exclusive":
        forbidden.append({"action": "yaosu:grantBeside", "assignee": provider})
    return forbidden


def _paid(price: Mapping[str, Any]) -> Policy:
    """The duty to pay before using. What costs nothing has none."""
    if not price["minor"]:
        return {}
    amount = _typed("decimal", f"{price['minor'] // 100}.{price['minor'] % 100:02}")
    pay = _constraint("payAmount", "eq", amount) | {"unit": f"urn:iso:std:iso:4217:{price['currency']}"}
    return {"duty": [{"action": "compensate", "constraint": [pay]}]}


def _constraint(left: str, operator: str, right: object) -> Policy:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _typed(kind: str, value: str) -> Policy:
    return {"@type": f"xsd:{kind}", "@value": value}
