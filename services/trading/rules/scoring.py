"""How the offers to an inquiry are scored, and what the best of them is paid: a scoring auction.

Promises: S = points − price, in whole minor units, by a rule that was published before anyone offered; what is required
comes first, and an offer that lacks it is no candidate, however good or cheap; the order in which offers are opened
changes nothing; of equal scores the lower ask wins, then the offer that was sealed earlier; nobody is paid less than
they asked, nor more than the budget.

First score pays the ask: whoever offers has to guess the others, and truth is not claimed. Second score pays what
would have scored as much as the runner-up, p = points − s₂, so that asking one's true cost is best whatever the others
do. The reserve score is an offer of the buyer's own: nobody wins below it, and it stands for s₂ where nobody else does.
That keeps both the price and the quality true. A budget refuses asks above it and caps what is paid. That is still the
price at which the winner would just have lost, so the ask stays true; but where the cap binds, better quality earns
nothing more, and quality may be offered short. A buyer who wants both true names `points_max` less the budget as the
reserve score: then no payment ever reaches the cap.
Sources: Che 1993, Design competition through multidimensional auctions; market rules B0, B6.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Malformed
from shared.ids import ListingId, ParticipantId
from shared.money import MINOR_MAX, Money

CRITERIA_MAX, BANDS_MAX, REQUIREMENTS_MAX = 8, 10, 8
VALUE_MAX = 10**12
OFFERS_WANTED = 3


class AwardBy(StrEnum):
    FIRST_SCORE = "first_score"  # 首价：按报价成交
    SECOND_SCORE = "second_score"  # 次价：按次高得分折算成交


class FewOffers(StrEnum):
    """What follows where fewer than three offers can be compared."""

    FAILS = "fails"  # 流标
    PROCEEDS = "proceeds"  # 继续评审


class Verdict(StrEnum):
    """Why an offer won or lost. What keeps a buyer from what was offered has reason codes of its own beside these."""

    WON = "won"
    OUTSCORED = "outscored"
    TIED_AND_DEARER = "tied_and_dearer"
    TIED_AND_LATER = "tied_and_later"
    TOO_FEW_VALID_OFFERS = "too_few_valid_offers"
    ANSWERS_DO_NOT_FIT = "answers_do_not_fit"
    OTHER_CURRENCY = "other_currency"
    REQUIREMENT_NOT_MET = "requirement_not_met"
    ABOVE_BUDGET = "above_budget"
    BELOW_RESERVE_SCORE = "below_reserve_score"


@dataclass(frozen=True, slots=True)
class Band:
    from_value: int
    points_minor: int


@dataclass(frozen=True, slots=True)
class ByBand:
    """The points of the highest band that the value reaches; below the first band, none."""

    attribute: str
    bands: tuple[Band, ...]

    def points_of(self, value: int) -> int:
        return next((band.points_minor for band in reversed(self.bands) if band.from_value <= value), 0)

    @property
    def points_max(self) -> int:
        return max(band.points_minor for band in self.bands)


@dataclass(frozen=True, slots=True)
class PerUnit:
    """So much for each unit from one value to another, counted no further. Less is better where it counts downwards."""

    attribute: str
    minor_per_unit: int
    counts_from: int
    counts_to: int

    def points_of(self, value: int) -> int:
        lowest, highest = sorted((self.counts_from, self.counts_to))
        return self.minor_per_unit * abs(min(max(value, lowest), highest) - self.counts_from)

    @property
    def points_max(self) -> int:
        return self.points_of(self.counts_to)


Criterion = ByBand | PerUnit


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an offer must reach at least, or keep to at most, to be compared at all."""

    attribute: str
    at_least: int | None = None
    at_most: int | None = None

    def is_met_by(self, value: int) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, slots=True)
class ScoringRule:
    award_by: AwardBy
    by_band: tuple[ByBand, ...]
    per_unit: tuple[PerUnit, ...]
    requirements: tuple[Requirement, ...]
    reserve_score_minor: int
    few_offers: FewOffers

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        return (*self.by_band, *self.per_unit)

    @property
    def attributes(self) -> tuple[str, ...]:
        """What every offer answers, in the order of the alphabet."""
        return tuple(sorted({each.attribute for each in (*self.criteria, *self.requirements)}))

    @property
    def points_max(self) -> int:
        return sum(criterion.points_max for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class Answer:
    attribute: str
    value: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a provider offers: this listing, at this price, of this quality. `answers` by attribute."""

    listing_id: ListingId
    price: Money
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal that was opened. `sequence` is that of its sealing; `denied` says why the buyer may not have it."""

    sequence: int
    provider_id: ParticipantId
    proposal: Proposal
    denied: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one candidate. `attribute` is the one whose requirement it does not meet; without fitting answers
    there are no points."""

    sequence: int
    provider_id: ParticipantId
    reason_code: str
    points_minor: int | None = None
    score_minor: int | None = None
    attribute: str | None = None


@dataclass(frozen=True, slots=True)
class Won:
    provider_id: ParticipantId
    listing_id: ListingId
    price: Money


@dataclass(frozen=True, slots=True)
class Judgement:
    """`judged` in the order of sealing; `valid_offers` could be compared."""

    judged: tuple[Judged, ...]
    valid_offers: int
    won: Won | None


class BadScoring(Malformed):
    """The scoring rule cannot be applied; `part` says which part of it, and the facts what it must keep to."""


def check(rule: ScoringRule) -> None:
    """Raises BadScoring unless the rule gives every offer one score that money can express."""
    if not 1 <= len(rule.criteria) <= CRITERIA_MAX:
        raise BadScoring(part="criteria", items_max=CRITERIA_MAX)
    if len(rule.requirements) > REQUIREMENTS_MAX:
        raise BadScoring(part="requirements", items_max=REQUIREMENTS_MAX)
    _require_once("criteria", rule.criteria)
    _require_once("requirements", rule.requirements)
    for criterion in rule.criteria:
        _check_criterion(criterion)
    for requirement in rule.requirements:
        _check_requirement(requirement)
    if not 0 < rule.points_max <= MINOR_MAX:
        raise BadScoring(part="points", points_minor_min=1, points_minor_max=MINOR_MAX)
    if not 0 <= rule.reserve_score_minor <= rule.points_max:
        raise BadScoring(part="reserve_score", score_minor_min=0, score_minor_max=rule.points_max)


def judge(rule: ScoringRule, budget: Money | None, currency: str, candidates: Iterable[Candidate]) -> Judgement:
    """Every candidate's score and reason, and the winner with what it is paid. Requires a checked rule, and each
    sequence once."""
    in_order = sorted(candidates, key=lambda candidate: candidate.sequence)
    refused = {each.sequence: _refused(rule, budget, currency, each) for each in in_order}
    ranked = sorted(
        (each for each in in_order if refused[each.sequence] is None),
        key=lambda each: (-_score(rule, each), each.proposal.price.minor, each.sequence),
    )
    fails = not ranked or (len(ranked) < OFFERS_WANTED and rule.few_offers is FewOffers.FAILS)
    judged = tuple(refused[each.sequence] or _compared(rule, each, ranked, fails=fails) for each in in_order)
    return Judgement(judged, len(ranked), None if fails else _won(rule, budget, ranked))


def _won(rule: ScoringRule, budget: Money | None, ranked: Sequence[Candidate]) -> Won:
    best = ranked[0]
    ask = best.proposal.price
    return Won(best.provider_id, best.proposal.listing_id, Money(_paid(rule, budget, ranked), ask.currency))


def _paid(rule: ScoringRule, budget: Money | None, ranked: Sequence[Candidate]) -> int:
    best = ranked[0]
    if rule.award_by is AwardBy.FIRST_SCORE:
        return best.proposal.price.minor
    second = _score(rule, ranked[1]) if len(ranked) > 1 else rule.reserve_score_minor
    as_good_as_second = _points(rule, best) - second
    return as_good_as_second if budget is None else min(as_good_as_second, budget.minor)


def _refused(rule: ScoringRule, budget: Money | None, currency: str, offered: Candidate) -> Judged | None:
    """Why the candidate cannot be compared; None if it can."""
    proposal, of = offered.proposal, (offered.sequence, offered.provider_id)
    if tuple(answer.attribute for answer in proposal.answers) != rule.attributes:
        return Judged(*of, Verdict.ANSWERS_DO_NOT_FIT)
    if proposal.price.currency != currency:
        return Judged(*of, Verdict.OTHER_CURRENCY)
    scored = (_points(rule, offered), _score(rule, offered))
    if offered.denied is not None:
        return Judged(*of, offered.denied, *scored)
    values = {answer.attribute: answer.value for answer in proposal.answers}
    for requirement in rule.requirements:
        if not requirement.is_met_by(values[requirement.attribute]):
            return Judged(*of, Verdict.REQUIREMENT_NOT_MET, *scored, requirement.attribute)
    if budget is not None and proposal.price > budget:
        return Judged(*of, Verdict.ABOVE_BUDGET, *scored)
    if _score(rule, offered) < rule.reserve_score_minor:
        return Judged(*of, Verdict.BELOW_RESERVE_SCORE, *scored)
    return None


def _compared(rule: ScoringRule, offered: Candidate, ranked: Sequence[Candidate], *, fails: bool) -> Judged:
    score, best = _score(rule, offered), ranked[0]
    ask, best_ask = offered.proposal.price, best.proposal.price
    if fails:
        verdict = Verdict.TOO_FEW_VALID_OFFERS
    elif offered is best:
        verdict = Verdict.WON
    elif score < _score(rule, best):
        verdict = Verdict.OUTSCORED
    else:
        verdict = Verdict.TIED_AND_DEARER if ask > best_ask else Verdict.TIED_AND_LATER
    return Judged(offered.sequence, offered.provider_id, verdict, _points(rule, offered), score)


def _points(rule: ScoringRule, offered: Candidate) -> int:
    values = {answer.attribute: answer.value for answer in offered.proposal.answers}
    return sum(criterion.points_of(values[criterion.attribute]) for criterion in rule.criteria)


def _score(rule: ScoringRule, offered: Candidate) -> int:
    return _points(rule, offered) - offered.proposal.price.minor


def _require_once(part: str, named: Sequence[Criterion] | Sequence[Requirement]) -> None:
    if len({each.attribute for each in named}) < len(named):
        raise BadScoring(part=part, attributes=sorted(each.attribute for each in named))


def _check_criterion(criterion: Criterion) -> None:
    if isinstance(criterion, PerUnit):
        if criterion.minor_per_unit <= 0 or criterion.counts_from == criterion.counts_to:
            raise BadScoring(part="criteria", attribute=criterion.attribute)
        return
    froms = [band.from_value for band in criterion.bands]
    if not 1 <= len(froms) <= BANDS_MAX or froms != sorted(set(froms)):
        raise BadScoring(part="bands", attribute=criterion.attribute, items_max=BANDS_MAX, from_value=froms)
    if any(band.points_minor < 0 for band in criterion.bands):
        raise BadScoring(part="bands", attribute=criterion.attribute, points_minor_min=0)


def _check_requirement(requirement: Requirement) -> None:
    least, most = requirement.at_least, requirement.at_most
    if (least is None and most is None) or (least is not None and most is not None and least > most):
        raise BadScoring(part="requirements", attribute=requirement.attribute)
