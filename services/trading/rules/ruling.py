"""A ruling (裁决): how those who sit on a dispute divide what is disputed, and what else they order.

Promises: the parts of what is disputed add up to it; no vote goes beyond what was asked for, nor below what the other
side admits; the median of the votes rules, so that one extreme vote among three decides nothing. Each arbiter gives one
vote with reasons, and no vote is told before all are in.
A platform's decision under contract, no statutory award (仲裁法 art. 4, 9).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.trading.rules.arbiter_draw import Nonces
from services.trading.rules.demand import EQUAL, Demand, Remedy, Split
from services.trading.rules.settlement import WHOLE
from shared.errors import Conflict, Malformed
from shared.ids import UserId
from shared.money import Money


class BeyondTheClaim(Malformed):
    """A ruling gives no more than was asked for, and no less than the other side admits."""


class VotedAlready(Conflict):
    """You have ruled on this; a ruling is never changed."""


class NotSeated(Conflict):
    """You do not sit on this dispute now."""


class ChallengedAlready(Conflict):
    """Each side may refuse one arbiter in each round."""


class Grounds(StrEnum):
    RULED = "ruled"
    NO_ARBITER = "no_arbiter"  # nobody was left who could decide: nobody wins


class Why(StrEnum):
    RECUSED = "recused"
    CHALLENGED = "challenged"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Vote:
    """`fees` says who bears the arbitration fee. `reasons_hash` is the SHA-256 of the reasons, which are mandatory. The
    salt is of the commitment that stands for the vote until all are in."""

    arbiter_id: UserId
    split: Split
    fees: Split
    remedies: tuple[Remedy, ...]
    reasons_hash: str
    voted_at: datetime
    salt: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Who has left their seat, why, and at whose wish; `reason_hash` where somebody had to say it."""

    arbiter_id: UserId
    why: Why
    by: str
    reason_hash: str | None
    gone_at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """`fees` None: everyone gets theirs back."""

    number: int
    split: Split
    fees: Split | None
    remedies: tuple[Remedy, ...]
    grounds: Grounds
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """Those drawn for a round (`order`, of whom the first `size` sit), and what became of it. `beacon` stands
    for a side that had said nothing."""

    number: int
    size: int
    seed: str
    nonces: Nonces
    eligible: tuple[UserId, ...]
    order: tuple[UserId, ...]
    drawn_at: datetime
    gone: tuple[Gone, ...] = ()
    votes: tuple[Vote, ...] = ()
    beacon: str | None = None

    @property
    def seated(self) -> tuple[UserId, ...]:
        """In the order of the draw: whoever goes is followed by the next."""
        left = {each.arbiter_id for each in self.gone}
        return tuple(each for each in self.order if each not in left)[: self.size]

    @property
    def undecided(self) -> tuple[UserId, ...]:
        voted = {vote.arbiter_id for vote in self.votes}
        return tuple(each for each in self.seated if each not in voted)

    @property
    def is_complete(self) -> bool:
        """Everyone who sits has voted, and there is someone."""
        return bool(self.votes) and not self.undecided


def require_bounds(demand: Demand, admitted: Money, split: Split, remedies: Sequence[Remedy]) -> None:
    """Raises BeyondTheClaim."""
    if beyond := sorted(set(remedies) - set(demand.remedies)):
        raise BeyondTheClaim(remedies=beyond, demanded=list(demand.remedies))
    if split.of(demand.amount)[0] < admitted:
        raise BeyondTheClaim(admitted_minor=admitted.minor)


def take(panel: Panel, vote: Vote) -> Panel:
    """The panel with one more vote. Requires one within the bounds. Raises NotSeated, VotedAlready."""
    if vote.arbiter_id not in panel.seated:
        raise NotSeated()
    if vote.arbiter_id not in panel.undecided:
        raise VotedAlready()
    return replace(panel, votes=(*panel.votes, vote))


def leave(panel: Panel, gone: Gone) -> Panel:
    """The panel without an arbiter; the next in the order sits down, if there is one. Raises NotSeated, VotedAlready
    for one who has decided, and ChallengedAlready."""
    if gone.arbiter_id not in panel.seated:
        raise NotSeated()
    if gone.arbiter_id not in panel.undecided:
        raise VotedAlready()
    if gone.why is Why.CHALLENGED and any((each.why, each.by) == (gone.why, gone.by) for each in panel.gone):
        raise ChallengedAlready()
    return replace(panel, gone=(*panel.gone, gone))


def let_go(panel: Panel, now: datetime) -> Panel:
    """The panel once its time is up: whoever has not decided is followed by the next."""
    for arbiter_id in panel.undecided:
        panel = leave(panel, Gone(arbiter_id, Why.OVERDUE, "deadline", None, now))
    return panel


def combined(panel: Panel, now: datetime) -> Ruling:
    """The ruling of all votes: the median of each share, and the remedies that most want. Requires one vote at least;
    of two in the middle the mean counts, rounded against the claimant."""
    votes = panel.votes
    split = _median([vote.split.claimant for vote in votes])
    fees = _median([vote.fees.claimant for vote in votes])
    wanted = [remedy for remedy in Remedy if 2 * sum(remedy in vote.remedies for vote in votes) > len(votes)]
    return Ruling(
        panel.number, Split(split, WHOLE - split), Split(fees, WHOLE - fees), tuple(wanted), Grounds.RULED, now
    )  # fmt: skip


def no_winner(number: int, now: datetime) -> Ruling:
    """Half for each side, and everyone's fee goes back."""
    return Ruling(number, EQUAL, None, (), Grounds.NO_ARBITER, now)


def _median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2
