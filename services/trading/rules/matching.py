"""Matching (撮合): which listings meet a need, how well, and why.

Promises: only what the buyer may see and may have is matched, as what the need must be kept to; each wish gives points
by a rule that a reader can follow, and says what it gave them for; the same need and listings give the same ranking,
for ever: by score, then by id; no name of a field is told that the catalogue would not show.
Does not: weigh price or provider. Whoever is asked says what it costs, in an inquiry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.trading.rules.inquiry_terms import INVITED_MIN, Invitee, related_among
from services.trading.rules.listing import Listing
from services.trading.rules.need import Wanted
from services.trading.rules.traits import Traits, found
from shared.errors import Conflict
from shared.grades import G4
from shared.ids import ParticipantId

WHOLE = 10_000
FIELDS_SHOWN_BELOW = G4  # field names of G4 need an agreement (reliability 5.2)
UPDATED_EVERY_DAYS = {
    "real_time": 0, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366,
}  # fmt: skip


class Wish(StrEnum):
    FIELDS = "fields"  # 字段
    THEME = "theme"  # 主题
    FRESHNESS = "freshness"  # 时效
    ROWS = "rows"  # 规模
    TERRITORY = "territory"  # 地域


POINTS = {Wish.FIELDS: 500, Wish.THEME: 150, Wish.FRESHNESS: 150, Wish.ROWS: 100, Wish.TERRITORY: 100}


@dataclass(frozen=True, slots=True)
class Find:
    """A wanted field, and the name that it was found under."""

    wanted: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Ground:
    """What one wish gave, and why, in both languages. `finds` for fields alone."""

    wish: Wish
    points: int
    points_max: int
    words: str
    finds: tuple[Find, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """`score` in basis points of all that the need asks for."""

    listing: Listing
    score: int
    grounds: tuple[Ground, ...]


class TooFewMatches(Conflict):
    """Fewer than three providers, strangers to you and one another, have a listing to offer for this need."""


def rank(wanted: Wanted, offered: Iterable[tuple[Listing, Traits]]) -> list[Match]:
    """The listings that meet the need at all, the best first. Requires that the buyer may have each in its mode."""
    matches = [_match(wanted, listing, traits) for listing, traits in offered if _is_kept_to(wanted, listing)]
    return sorted((match for match in matches if match.score), key=_place)


def after(matches: Sequence[Match], place: tuple[int, str] | None) -> Sequence[Match]:
    """Those that follow the place, a score and an id; for None, all."""
    return matches if place is None else [match for match in matches if _place(match) > (-place[0], place[1])]


def invited_by(
    matches: Iterable[Match], buyer: Invitee, known: dict[ParticipantId, Invitee], most: int
) -> list[Invitee]:
    """The providers of the best listings, each once, at most so many: none who is related to the buyer, or to one who
    ranks before them. Raises TooFewMatches. Requires everyone's standing in `known`."""
    chosen = list[Invitee]()
    for provider_id in dict.fromkeys(match.listing.provider_id for match in matches):
        candidate = known[provider_id]
        if candidate.is_provider and not related_among([buyer, candidate]) and not related_among([*chosen, candidate]):
            chosen.append(candidate)
    if len(chosen) < INVITED_MIN:
        raise TooFewMatches(providers=len(chosen), providers_min=INVITED_MIN)
    return chosen[:most]


def _place(match: Match) -> tuple[int, str]:
    return -match.score, match.listing.id


def _is_kept_to(wanted: Wanted, listing: Listing) -> bool:
    return (
        listing.mode is wanted.mode
        and listing.grade <= wanted.grade_ceiling
        and wanted.purpose in listing.purposes
    )  # fmt: skip


def _match(wanted: Wanted, listing: Listing, traits: Traits) -> Match:
    grounds = tuple(_grounds(wanted, listing, traits))
    points, whole = sum(ground.points for ground in grounds), sum(ground.points_max for ground in grounds)
    return Match(listing, points * WHOLE // whole, grounds)


def _grounds(wanted: Wanted, listing: Listing, traits: Traits) -> Iterable[Ground]:
    if wanted.fields:
        yield _fields(wanted.fields, listing, traits)
    if wanted.themes:
        words = f"主题 {traits.theme or '未知'} · theme {traits.theme or 'unknown'}"
        yield _all_or_nothing(Wish.THEME, traits.theme in wanted.themes, words)
    if wanted.update_days_max is not None:
        days = UPDATED_EVERY_DAYS.get(traits.update_cycle or "")
        cycle = traits.update_cycle or "unknown"
        words = f"更新周期 {cycle}，要求 {wanted.update_days_max} 天内 · updated {cycle}, asked within days"
        yield _all_or_nothing(Wish.FRESHNESS, days is not None and days <= wanted.update_days_max, words)
    if wanted.rows_min is not None:
        yield _rows(wanted.rows_min, traits.rows)
    if wanted.territory is not None:
        country = wanted.territory.partition("-")[0]
        words = f"授权地域 {listing.right.territory} · granted for {listing.right.territory}"
        yield _all_or_nothing(Wish.TERRITORY, listing.right.territory in (wanted.territory, country), words)


def _fields(names: tuple[str, ...], listing: Listing, traits: Traits) -> Ground:
    whole = POINTS[Wish.FIELDS]
    if listing.grade >= FIELDS_SHOWN_BELOW:
        return Ground(Wish.FIELDS, 0, whole, "该级别字段名不公开 · field names of this grade are not shown")
    finds = tuple(Find(name, found(name, traits.fields)) for name in names)
    hits = sum(find.field is not None for find in finds)
    words = f"字段 {hits}/{len(names)} · {hits} of {len(names)} fields"
    return Ground(Wish.FIELDS, whole * hits // len(names), whole, words, finds)


def _rows(wanted: int, rows: int | None) -> Ground:
    whole = POINTS[Wish.ROWS]
    if rows is None:
        return Ground(Wish.ROWS, 0, whole, "行数未知 · rows unknown")
    return Ground(Wish.ROWS, whole * min(rows, wanted) // wanted, whole, f"{rows} 行 · {rows} rows")


def _all_or_nothing(wish: Wish, is_met: bool, words: str) -> Ground:
    return Ground(wish, POINTS[wish] if is_met else 0, POINTS[wish], words)
