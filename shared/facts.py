"""Facts: what happened, and the bytes that say so for ever.

Owns: the event line of the log (audit-log 3.1), its closed set of fields, the hash that chains the facts of a stripe,
and the salted commitments that stand for what must stay secret.
Promises: writer and verifier share this one encoding; a fact carries its whole body, so that state can be rebuilt from
facts; what is committed to cannot be guessed without its salt.

A service's `events.py` derives frozen dataclasses from `Fact`. Every field is told in `data`. Beyond that:
an id names an object; a `ContractId` also the contract; a `Commitment` goes to `pd` instead of `data`; fields named
`amount`, `decision`, `reason_code`, `legal_basis` and `grade` also fill the envelope's own members; a field named
`fact_id` is the fact's own id, drawn beforehand so that rows of its transaction can name it, and no part of `data`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from shared import canonical
from shared.grades import Decision, Grade
from shared.ids import ContractId, FactId, Id

EVENT_BYTES_MAX = 16 * 1024
GENESIS = bytes(32)
SALT_BYTES = 32
_PLAIN = frozenset({str, int, bool})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
ACTORS_MAX = 10_000  # that are remembered as they are told


class Category(StrEnum):
    ADMISSION = "admission"
    ACCESS = "access"
    ASSET = "asset"
    GRADE = "grade"
    CONTENT = "content"
    PRICE = "price"
    TRADE = "trade"
    MONEY = "money"
    DELIVERY = "delivery"
    SYSTEM = "system"


class Retention(StrEnum):
    """How long at least an entry is kept (design 11); the log refuses to prune earlier."""

    SECURITY = "sec"  # 184 days: Cybersecurity Law (2025) art. 23(3)
    TRANSACTION = "txn"  # 3 years + 30 days: E-commerce Law art. 31, Network Data Security Regulation art. 12
    AUCTION = "auction"  # 10 years: 法释〔2016〕18号 art. 29
    INQUIRY = "inquiry"  # 15 years: Government Procurement Law art. 42
    REGISTRATION = "registration"  # 30 years: Shenzhen registration rule
    HOLD = "hold"  # without end


Outcome = Literal["ok", "deny", "error"]
Integer = Annotated[int, msgspec.Meta(ge=-canonical.INTEGER_MAX, le=canonical.INTEGER_MAX)]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted. `id` is a pseudonym of ours, never a name or number of a person."""

    kind: Literal["user", "client", "service", "anonymous"]
    id: str
    organisation: str | None = None
    authenticated_by: str | None = None
    on_behalf_of: str | None = None  # the organisation in whose name it was done, where that is another


@dataclass(frozen=True, slots=True)
class Commitment:
    """Stands for a value that is secret for now; whoever is later given salt and value can check that it did."""

    hex: str


class Fact:
    """The base of every fact. Requires that the class is a frozen dataclass in past tense, e.g. `BidPlaced`."""

    __slots__ = ()
    category: ClassVar[Category]
    retention: ClassVar[Retention] = Retention.TRANSACTION
    schema_version: ClassVar[int] = 1
    outcome: ClassVar[Outcome] = "ok"
    is_high_risk: ClassVar[bool] = False  # gives something out for good; refused where the log is too far behind

    @classmethod
    def act(cls, service: str) -> str:
        """The fact's name in the log: `trading.bid_placed`."""
        return f"{service}.{_in_snake_case(cls.__name__)}"


def _no_objects() -> list["EventObject"]:
    return []  # by a function, for `[]` would be left out where an event is written again


class EventActor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    t: Literal["user", "client", "service", "anonymous"]
    id: str
    org: str | None = None
    auth: str | None = None


class EventObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    t: str
    id: str
    ver: str | None = None
    cls: str | None = None


class EventAmount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    minor: Integer
    currency: str


class EventPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    allow: bool
    rules: list[str]
    version: str


class EventChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    b: str | None = None
    a: str | None = None


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The event line, as made by the service in its business transaction."""

    v: Integer
    id: str
    ts: Integer
    act: str
    cat: Category
    out: Outcome
    actor: EventActor
    data: dict[str, Any]
    ret: Retention
    obj: list[EventObject] = msgspec.field(default_factory=_no_objects)
    rsn: str | None = None
    onb: str | None = None
    ctr: str | None = None
    pol: EventPolicy | None = None
    lb: str | None = None
    chg: EventChange | None = None
    amt: EventAmount | None = None
    req: str | None = None
    pd: dict[str, str] | None = None


_event_decoder, _event_encoder = msgspec.json.Decoder(Event), msgspec.json.Encoder(order="sorted")


def event_line(
    fact: Fact,
    *,
    service: str,
    fact_id: FactId,
    actor: Actor,
    at: datetime,
    request_id: str | None,
    on_behalf_of: str | None = None,
) -> bytes:
    """The canonical bytes of a fact. Requires at most 16 KiB of them: larger content goes by its digest."""
    data, committed, named = dict[str, object](), dict[str, object](), dict[str, dict[str, object]]()
    contract = None
    for name, value in _fields(fact):
        if value is None or name == "fact_id":
            continue
        kind = type(value)
        if kind in _PLAIN:
            data[name] = value
        elif isinstance(value, Commitment):
            committed[name] = value.hex
        else:
            data[name] = told = _telling(kind)(value)
            if isinstance(value, Id):
                named.setdefault(value, {"t": value.kind, "id": told})
                contract = contract or (told if isinstance(value, ContractId) else None)
    envelope = {
        "v": fact.schema_version, "id": str(fact_id), "ts": microseconds(at), "act": fact.act(service),
        "cat": fact.category.value, "out": fact.outcome, "ret": fact.retention.value, "data": data,
        "actor": _told_of(actor), "obj": _graded(list(named.values()), getattr(fact, "grade", None)),
    }  # fmt: skip
    principal = on_behalf_of or actor.on_behalf_of
    optional = {
        "rsn": data.get("reason_code"), "onb": principal and str(principal), "lb": data.get("legal_basis"),
        "ctr": contract, "pol": _policy(getattr(fact, "decision", None)), "amt": data.get("amount"),
        "req": request_id and str(request_id), "pd": committed or None,
    }  # fmt: skip
    envelope |= {name: value for name, value in optional.items() if value is not None}
    line = canonical.encode(envelope)
    if len(line) > EVENT_BYTES_MAX:
        raise ValueError(f"{fact.act(service)} has {len(line)} bytes, more than {EVENT_BYTES_MAX}: tell its digest")
    return line


def read_event(line: bytes) -> Event:
    """The event of a line. Requires canonical bytes with known fields only, at most 16 KiB of them; raises ValueError
    for anything else."""
    if len(line) > EVENT_BYTES_MAX:
        raise ValueError(f"not an event: it has {len(line)} bytes, more than {EVENT_BYTES_MAX}")
    try:
        event = _event_decoder.decode(line)
        same = _is_surely_canonical(event, line) or canonical.encode(msgspec.json.decode(line)) == line
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not an event: {error}") from error
    if not same:
        raise ValueError("not an event: the bytes are not canonical")
    return event


def _is_surely_canonical(event: Event, line: bytes) -> bool:
    """Whether what was read, written again, is the line, and within the profile: as of almost all that services write.

    The text is judged in the line as a whole, and only what the envelope leaves open is gone through: nothing is read a
    second time. Where this says no, `canonical.encode` decides.
    """
    return (
        _event_encoder.encode(event) == line
        and canonical.is_surely_text(line)
        and canonical.surely_holds(event.data)
        and (not event.pd or canonical.surely_holds(event.pd))
    )


def link(previous: bytes, seq: int, line: bytes) -> bytes:
    """The hash of a stripe's fact number `seq`, given the hash of the one before it (`GENESIS` before the first)."""
    return hashlib.sha256(b"\x10" + previous + seq.to_bytes(8, "big") + line).digest()


def commit(name: str, value: str, salt: bytes) -> Commitment:
    """A commitment to a named value. Requires 32 random bytes of salt, kept with the value until it is opened."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes")
    return Commitment(hmac.digest(salt, b"\x11" + name.encode() + b"\x00" + value.encode(), "sha256").hex())


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 in UTC. Requires a zone."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds_since_epoch: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds_since_epoch)


def plain(value: object) -> Any:
    """A value as canonical JSON carries it: moments in microseconds, values as objects, nothing where there is none."""
    kind = type(value)
    return value if kind in _PLAIN else _telling(kind)(value)


# --- kept for each type, of which there are few, because every fact that is recorded comes through here


@cache
def _telling(kind: type[Any]) -> Callable[[Any], object]:
    """What makes a value of this type plain."""
    if issubclass(kind, str):
        return str
    if issubclass(kind, datetime):
        return microseconds
    if issubclass(kind, timedelta):
        return lambda value: value // timedelta(seconds=1)
    if issubclass(kind, int):
        return lambda value: value
    if issubclass(kind, Mapping):
        return _plain_members
    if issubclass(kind, frozenset | set):
        return lambda value: [plain(member) for member in sorted(value)]
    if issubclass(kind, Sequence):
        return lambda value: [plain(member) for member in value]
    if is_dataclass(kind):
        return _members_of
    raise TypeError(f"a fact cannot tell {kind.__name__}")


def _members_of(value: object) -> dict[str, object]:
    members = dict[str, object]()
    for name in _names(type(value)):
        member = getattr(value, name)
        if member is not None:
            members[name] = member if type(member) in _PLAIN else plain(member)
    return members


def _fields(value: object) -> Iterator[tuple[str, object]]:
    return ((name, getattr(value, name)) for name in _names(type(value)))


def _plain_members(members: Mapping[str, object]) -> dict[str, object]:
    return {
        name: member if type(member) in _PLAIN else plain(member)
        for name, member in members.items()
        if member is not None
    }


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _in_snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


@lru_cache(ACTORS_MAX)
def _told_of(actor: Actor) -> dict[str, object]:
    return _plain_members(
        {"t": actor.kind, "id": actor.id, "org": actor.organisation, "auth": actor.authenticated_by}
    )  # fmt: skip


def _graded(named: list[dict[str, object]], grade: object) -> list[dict[str, object]]:
    """What a fact names, versions with the grade that it tells."""
    if isinstance(grade, Grade):
        return [each | {"cls": str(grade)} if each["t"] == "version" else each for each in named]
    return named


def _policy(decision: object) -> dict[str, object] | None:
    if not isinstance(decision, Decision):
        return None
    return {"allow": decision.allowed, "rules": list(decision.rules), "version": decision.policy_version}
