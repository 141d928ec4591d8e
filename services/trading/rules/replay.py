"""An auction made again out of the log's facts and of what was opened at its close (竞价复算).

Promises: whatever the facts tell, the answer is a list of differences and never an exception; it is empty only if every
field of every fact of the auction, and every order that came of it, is what the rules make of the accepted commands;
what the auction's own facts do not decide is listed as taken on trust. The same facts in any order that keeps each
kind's own give the same answer.
Does not: check the log's hashes and signatures (the offline verifier does), or judge the award's later life.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from services.trading.rules.any_auction import AnyAuction
from services.trading.rules.auction import OPEN
from services.trading.rules.replay_dutch import Dutch
from services.trading.rules.replay_english import English
from services.trading.rules.replay_entry import Difference, Entry, Findings, Kind, auction_of
from services.trading.rules.replay_fold import CANCELLED, ORDERED, REGISTERED, Case, Fold
from services.trading.rules.replay_sealed import Sealed
from services.trading.rules.sealed import SealedBid
from shared.ids import AuctionId

FOLDS: tuple[type[Fold], ...] = (English, Dutch, Sealed)
VERSIONS = {act: versions for fold in FOLDS for act, versions in fold.VERSIONS.items()}
FIRST = (1,)
OF_ANY = frozenset({CANCELLED, REGISTERED})
KNOWN = OF_ANY.union(*({fold.OPENING} | fold.COMMANDS | fold.SUPPLEMENTS for fold in FOLDS))


class Verdict(IntEnum):
    """Also the exit code of the command."""

    SAME = 0
    DIFFERS = 1
    INCOMPLETE = 2
    UNDECIDED = 3


@dataclass(frozen=True, slots=True)
class Replayed:
    """`auction` is as far as it could be made again; `bids` are those of a sealed auction, judged. `is_running` says
    that it was not to be decided yet when the facts were read: there is nothing to compare then but what came so far.
    """

    auction_id: AuctionId
    auction: AnyAuction | None
    bids: tuple[SealedBid, ...]
    leading_bidder_number: int | None
    differences: tuple[Difference, ...]
    trusted: tuple[str, ...]

    @property
    def is_running(self) -> bool:
        return self.auction is not None and self.auction.state is OPEN and not self.differences

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.differences, is_running=self.is_running)


def verdict_of(differences: Sequence[Difference], *, is_running: bool) -> Verdict:
    """The gravest that any of the differences leads to."""
    kinds = {difference.kind for difference in differences}
    if kinds & {Kind.DIFFERS, Kind.REFUSED, Kind.UNREADABLE}:
        return Verdict.DIFFERS
    if Kind.UNKNOWN in kinds:
        return Verdict.UNDECIDED
    return Verdict.INCOMPLETE if kinds or is_running else Verdict.SAME


def concerned(entry: Entry) -> AuctionId | None:
    """The auction whose replay needs the entry; None for one that no replay needs."""
    auction_id = auction_of(entry.event)
    needed = entry.act in KNOWN or entry.act == ORDERED or "revision" in entry.data
    return auction_id if needed else None


def replay(auction_id: AuctionId, entries: Sequence[Entry], seen_until: datetime) -> Replayed:
    """The auction made again. Requires all that was read of it, each fact once and each kind in its order, and the
    latest moment of anything that was read with it."""
    case, findings = Case(auction_id, tuple(entries), seen_until), Findings()
    fold = _fold_of(case, findings)
    if fold is not None:
        fold.run()
    auction = fold.auction if fold else None
    bids = tuple(fold.bids) if fold else ()
    told = tuple(findings.differences), tuple(findings.trusted)
    return Replayed(auction_id, auction, bids, fold and fold.leading_number, *told)


def _fold_of(case: Case, findings: Findings) -> Fold | None:
    """The mechanism's own fold. None if there is no opening, or a fact that is not known here."""
    openings = [fold for fold in FOLDS if case.one_of(fold.OPENING)]
    if not openings:
        findings.lack("auction_opened", "auction_id", case.auction_id)
    own = OF_ANY.union(*({fold.OPENING} | fold.COMMANDS | fold.SUPPLEMENTS for fold in openings)) if openings else KNOWN
    for entry in case.entries:
        if entry.act not in KNOWN | {ORDERED}:
            findings.differ(entry, "act", entry.act, "a fact that can be replayed here", Kind.UNKNOWN)
        elif entry.act != ORDERED and entry.event.v not in (read := VERSIONS.get(entry.act, FIRST)):
            findings.differ(entry, "v", entry.event.v, read[-1], Kind.UNKNOWN)
        elif entry.act != ORDERED and entry.act not in own:
            findings.differ(entry, "act", entry.act, "a fact of this auction's mechanism")
    if len(openings) > 1:
        findings.differ(case.entries[0], "act", [fold.OPENING for fold in openings], "opened once")
    known = not any(each.kind is Kind.UNKNOWN for each in findings.differences)
    return openings[0](case, findings) if len(openings) == 1 and known else None
