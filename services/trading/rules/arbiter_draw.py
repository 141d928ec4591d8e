"""Who decides a dispute: drawn from the register by a rule that anyone can follow, with a seed nobody chooses alone.

The exchange draws a secret seed and commits to it (SHA-256) before the parties say their numbers (nonces). At the draw
the seed is told, and every eligible arbiter gets the lot SHA-256(seed, dispute, round, nonces, arbiter); the lots in
ascending order are the order in which they sit, and who steps down is followed by the next. So the exchange, which
knows the seed, cannot choose once a nonce is not its own, and whoever says a nonce does not know the seed. Where a side
said nothing, the root of the log's first checkpoint over the notice (or the appeal) takes part in its place: nobody
knew it when the seed was committed to, and everybody finds the same.
Promises: the same facts give the same order; whoever is tied to a party, or graded or registered what is in dispute, is
in no draw.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared import canonical
from shared.errors import Conflict, Forbidden, Malformed, NotFound
from shared.facts import plain
from shared.ids import DisputeId, ParticipantId, UserId
from shared.lifecycle import Lifecycle

REGISTER_MAX = 200  # a draw tells everyone who was in it, and a fact has its limit
PREFIX = b"yaosu arbiter draw v1\n"


class ArbiterState(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"


ACTIVE, RETIRED = ArbiterState
ARBITER = Lifecycle(start=ACTIVE, moves={ACTIVE: {RETIRED}, RETIRED: set()})


@dataclass(frozen=True, slots=True)
class Arbiter:
    """`ties` are the organisations that the arbiter works or has worked for, or has a stake in."""

    id: UserId
    ties: tuple[ParticipantId, ...]
    registered_at: datetime
    state: ArbiterState = ARBITER.start
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Nonces:
    """What each side said for a draw; empty for one that said nothing."""

    claimant: str = ""
    respondent: str = ""

    @property
    def is_one_sided(self) -> bool:
        return not (self.claimant and self.respondent)


class NoSuchArbiter(NotFound):
    """The register has no such arbiter."""


class ArbiterRegistered(Conflict):
    """This arbiter is in the register already."""


class RegisterFull(Conflict):
    """The register takes no more arbiters."""


class SeedNotCommitted(Malformed):
    """This seed is not the one that was committed to."""


class TiedToAParty(Forbidden):
    """Nobody decides a dispute of an organisation that they belong to."""


def retire(arbiter: Arbiter) -> Arbiter:
    """The arbiter once they take no more cases; those that they sit on stay theirs."""
    return replace(arbiter, state=ARBITER.move(arbiter.state, RETIRED), revision=arbiter.revision + 1)


def eligible(
    register: Iterable[Arbiter], parties: Iterable[ParticipantId], barred: Iterable[str]
) -> tuple[UserId, ...]:
    """Those who may decide, in the order of their ids. `parties` with all their affiliates; `barred` are those who have
    sat on the case before, who reviewed what it is about, or whose log-in is disabled."""
    tied, without = frozenset(parties), frozenset(barred)
    return tuple(sorted(
        each.id for each in register
        if each.state is ACTIVE and each.id not in without and tied.isdisjoint(each.ties)
    ))  # fmt: skip


def commitment(seed: str) -> str:
    """What is told of a seed (32 bytes in hex) before the draw."""
    return hashlib.sha256(PREFIX + bytes.fromhex(seed)).hexdigest()


def drawn(
    seed: str, committed: str, dispute_id: DisputeId, number: int, nonces: Nonces, among: Sequence[UserId],
    beacon: str | None = None,
) -> tuple[UserId, ...]:  # fmt: skip
    """Everyone among them, in the order in which they sit. Raises SeedNotCommitted."""
    if commitment(seed) != committed:
        raise SeedNotCommitted(commitment=committed)

    def lot(arbiter_id: UserId) -> str:
        said = {"seed": seed, "dispute": dispute_id, "round": number, "nonces": nonces, "arbiter": arbiter_id}
        said |= {"beacon": beacon} if beacon else {}
        return hashlib.sha256(PREFIX + canonical.encode(plain(said))).hexdigest()

    return tuple(sorted(among, key=lot))
