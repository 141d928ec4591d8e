"""What can be wrong with a body: every property of a request's schema, spoilt in every way that its type knows.

A fault is a good body but for one place, so that whatever refuses it has looked at exactly that place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

CANARY = "canary-7f3a"  # stands in what is sent, and must not stand in what is answered
MISSING = "(missing)"
LEFT_OUT = "(left out)"
LONG = CANARY * 8_000
Schema = dict[str, Any]
Spoilt = Iterator[tuple[str, Any, Any]]  # the place, what stands there now, and the whole with it

UNTIDY = [f"{CANARY}\x00", f"{CANARY}\ud800", f"{CANARY}\u202e", f"{CANARY}e\u0301"]
NO_NUMBER: list[Any] = [
    True, False, 1.5, 1.0, 1e2, -0.0, "1", "1.00", "1e3", "１０", "٣", "½", "0x10", "1,000", " 1_0 ", [], {}, -1,
    -(2**63) - 1, 2**63, 2**64, 10**30,
]  # fmt: skip
NO_TEXT: list[Any] = [1, 1.5, True, [], {}, [CANARY]]
NO_MOMENT: list[Any] = [
    "2030-01-01T00:00:00", "2030-01-01", "1893456000", "24:00", "2030-01-01T24:00:01Z", "2030-01-01T23:59:60Z",
    "2030-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2030-01-01T00:00:00+99:00",
    "0439-06-02T03:40:11Z", "2500-01-01T00:00:00Z", CANARY, "２０３０-01-01T00:00:00Z",
    " 2030-01-01T00:00:00Z", 1893456000, 1893456000.5, True, [], {},
]  # fmt: skip
NO_MONEY: list[Any] = [
    {"minor": 10**15 + 1, "currency": "CNY"}, {"minor": 100, "currency": "cny"}, {"minor": 100, "currency": "CNY "},
    {"minor": 100}, {"currency": "CNY"}, 100, 1.0, "1.00", "100 CNY", [100, "CNY"],
]  # fmt: skip
NO_OBJECT: list[Any] = [1, CANARY, True, []]
NO_ARRAY: list[Any] = [1, CANARY, True, {}, {"0": CANARY}]
NO_BOOLEAN: list[Any] = [0, 1, "true", CANARY, [], {}]
NOT_NAMED = ["_sa_instance_state", "__proto__", "$ref", "id", "state"]


@dataclass(frozen=True, slots=True)
class Fault:
    place: str
    value: Any
    body: Any

    def __str__(self) -> str:
        return f"{self.place or 'the body'} = {self.value!r:.60}"


def faults(model: Schema, *samples: Any) -> Iterator[Fault]:
    """Every fault of a body. Requires a JSON schema with its definitions inside, and samples that name everything: one,
    or several where what one names another must leave out."""
    left_out, named = set[str](), {place for sample in samples for place in _named(sample, "")}
    for sample in samples:
        for place, value, body in _spoilt(model, model.get("$defs", {}), sample, ""):
            if value is LEFT_OUT:
                left_out.add(place)
            else:
                yield Fault(place, value, body)
    assert left_out <= named, f"no sample names {left_out - named}"


def _named(sample: Any, place: str) -> Iterator[str]:
    match sample:
        case dict():
            for name, inner in cast(dict[str, Any], sample).items():
                yield from _named(inner, f"{place}.{name}")
        case [first, *_]:
            yield from _named(first, f"{place}[0]")
        case _:
            pass
    if sample is not None:
        yield place


def _spoilt(schema: Schema, definitions: Schema, sample: Any, place: str) -> Spoilt:
    schema, nullable = _resolved(schema, definitions)
    values: list[Any] = [] if nullable else [None]
    is_left_out = nullable and sample is None and schema["type"] in ("object", "array")
    if is_left_out:
        yield place, LEFT_OUT, None
    match schema["type"]:
        case "object":
            values += NO_MONEY if set(schema["properties"]) == {"minor", "currency"} else NO_OBJECT
            yield from () if is_left_out else _spoilt_object(schema, definitions, sample, place)
        case "array":
            values += NO_ARRAY
            yield from () if is_left_out else _spoilt_array(schema, definitions, sample, place)
        case "integer":
            values += [*NO_NUMBER, *_beyond(schema)]
        case "boolean":
            values += NO_BOOLEAN
        case kind:
            assert kind == "string", f"no faults are known of {schema}"
            values += [*UNTIDY, *(NO_MOMENT if schema.get("format") == "date-time" else _other_text(schema))]
    yield from ((place, value, value) for value in values)


def _spoilt_object(schema: Schema, definitions: Schema, sample: Any, place: str) -> Spoilt:
    properties: Schema = schema["properties"]
    assert set(sample) == set(properties), f"the sample for {place or 'the body'} must name {set(properties)}"
    for name in set(NOT_NAMED) - set(properties):
        yield f"{place}.{name}", CANARY, {**sample, name: CANARY}
    for name in schema.get("required", ()):
        yield f"{place}.{name}", MISSING, {other: sample[other] for other in sample if other != name}
    for name, inner in properties.items():
        for inner_place, value, spoilt in _spoilt(inner, definitions, sample[name], f"{place}.{name}"):
            yield inner_place, value, {**sample, name: spoilt}


def _spoilt_array(schema: Schema, definitions: Schema, sample: Any, place: str) -> Spoilt:
    if schema.get("minItems"):
        yield place, [], []
    assert "maxItems" in schema, f"{place} is a list without an end"
    many = [sample[0]] * (schema["maxItems"] + 1)
    yield place, f"{len(many)} items", many
    for inner_place, value, spoilt in _spoilt(schema["items"], definitions, sample[0], f"{place}[0]"):
        yield inner_place, value, [spoilt, *sample[1:]]


def _other_text(schema: Schema) -> Iterator[Any]:
    yield from NO_TEXT
    yield from ("", LONG)
    pattern: str = schema.get("pattern", "")
    known: list[str] = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if known or pattern.startswith("^["):
        yield f"{CANARY}?"
    if r"\S" in pattern:
        yield from (" ", "\t\n")
    for word in known:
        yield from (word.swapcase(), f"{word} ", f" {word}", f"{word}\n")
    if "maxLength" in schema:
        yield "x" * (schema["maxLength"] + 1)
    if pattern.endswith("_[0-9a-f]{32}$"):
        kind = pattern[1:].partition("_")[0]
        yield from (f"{kind}_{'A' * 32}", f"{kind}_{'0' * 31}１", f"{kind}_{'0' * 33}", f"other_{'0' * 32}", "0" * 32)
        yield from (f"{kind}_{'0' * 32}\n", f"{{{kind}_{'0' * 32}}}", "1", CANARY)


def _beyond(schema: Schema) -> Iterator[int]:
    if "minimum" in schema:
        yield schema["minimum"] - 1
    yield schema["maximum"] + 1  # a whole number without an end is a fault of its schema


def _resolved(schema: Schema, definitions: Schema) -> tuple[Schema, bool]:
    """The schema of what may stand here beside null, and whether null may."""
    choices: list[Schema] = schema.get("anyOf", [schema])
    others = [choice for choice in choices if choice.get("type") != "null"]
    assert len(others) == 1, f"no faults are known of {schema}"
    [other] = others
    if "$ref" in other:
        other = definitions[other["$ref"].rpartition("/")[2]]
    return other, len(choices) > 1
