"""The policy: which logs are known, which witnesses, and whose cosignatures suffice.

Promises: a policy has one meaning or is refused; each witness counts towards the quorum in one way only, and only once,
whatever names its key goes under.
Source: C2SP tlog-policy. Keys of other kinds than Ed25519 are refused: a quorum that cannot be counted is none.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.audit.rules.checkpoint import COSIGNATURE, NotANote, VerifierKey, parse_verifier_key

NONE = "none"
_controls = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_number = re.compile("[1-9][0-9]{0,8}")


class NotAPolicy(ValueError):
    """The text is not a policy. The message says why, and in which line."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """`name` has a meaning in this policy only; the key's own name stands in the cosignatures."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Has seen a checkpoint if at least `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Requires that groups name only what stands before them, and `quorum` one of all names, or `none`."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[Witness, ...]
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    def is_met(self, cosigned: Collection[str]) -> bool:
        """Whether these witnesses of the policy, by name, suffice."""
        seen = {witness.name for witness in self.witnesses if witness.name in cosigned} | {NONE}
        for group in self.groups:
            if sum(member in seen for member in group.members) >= group.threshold:
                seen.add(group.name)
        return self.quorum in seen

    def knows(self, key: VerifierKey) -> bool:
        """Whether it knows a log by this key. It may know the same one by the key that will follow."""
        return any(log.key == key for log in self.logs)

    def text(self) -> str:
        lines = [" ".join(["log", log.key.text(), *_url(log.url)]) for log in self.logs]
        lines += [" ".join(["witness", each.name, each.key.text(), *_url(each.url)]) for each in self.witnesses]
        lines += [" ".join(["group", each.name, str(each.threshold), *each.members]) for each in self.groups]
        return "".join(f"{line}\n" for line in [*lines, f"quorum {self.quorum}"])


def parse(content: bytes) -> Policy:
    """The policy in a file. Raises NotAPolicy."""
    if _controls.search(content) or not content.endswith(b"\n"):
        raise NotAPolicy("a policy is lines of text, without control characters")
    reading = _Reading()
    for number, line in enumerate(content.decode("utf-8", "surrogateescape").split("\n"), start=1):
        words = re.split("[ \t]+", line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            continue
        try:
            reading.take(words)
        except (NotAPolicy, NotANote) as error:
            raise NotAPolicy(f"line {number}: {error}") from error
    if reading.quorum is None:
        raise NotAPolicy("there is no line that says the quorum")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)


@dataclass(slots=True)
class _Reading:
    """What was read up to a line."""

    logs: list[KnownLog] = field(default_factory=list[KnownLog])
    witnesses: list[Witness] = field(default_factory=list[Witness])
    groups: list[Group] = field(default_factory=list[Group])
    quorum: str | None = None
    members: set[str] = field(default_factory=set[str])

    def take(self, words: Sequence[str]) -> None:
        match words:
            case ["log", key, *url] if len(url) <= 1:
                self.logs.append(KnownLog(_new_key(parse_verifier_key(key), self.logs), *url))
            case ["witness", name, key, *url] if len(url) <= 1:
                parsed = _new_key(parse_verifier_key(key, COSIGNATURE), self.witnesses)
                self.witnesses.append(Witness(self._new_name(name), parsed, *url))
            case ["group", name, threshold, *members] if members:
                self._take_group(name, threshold, members)
            case ["quorum", name] if self.quorum is None and name in {NONE, *self._names()}:
                self.quorum = name
            case _:
                raise NotAPolicy("not a line of a policy, or it names what is not there")

    def _take_group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        if not set(members) <= set(self._names()):
            raise NotAPolicy("a group names members that do not stand before it")
        if len(set(members)) < len(members) or self.members & set(members):
            raise NotAPolicy("a name can be a member only once")
        needed = {"any": 1, "all": len(members)}.get(threshold) or (
            int(threshold) if _number.fullmatch(threshold) else 0
        )
        if not 1 <= needed <= len(members):
            raise NotAPolicy(f"a threshold is any, all, or a number from 1 to {len(members)}")
        self.groups.append(Group(self._new_name(name), needed, tuple(members)))
        self.members |= set(members)

    def _names(self) -> Iterator[str]:
        yield from (each.name for each in self.witnesses)
        yield from (each.name for each in self.groups)

    def _new_name(self, name: str) -> str:
        if name in {NONE, *self._names()}:
            raise NotAPolicy(f"the name {name} is taken")
        return name


def _new_key(key: VerifierKey, known: Iterable[KnownLog | Witness]) -> VerifierKey:
    """The key, if nobody has the same one, whatever it is called."""
    if any(key.public == each.key.public for each in known):
        raise NotAPolicy("the same key stands twice")
    return key


def _url(url: str | None) -> list[str]:
    return [] if url is None else [url]
