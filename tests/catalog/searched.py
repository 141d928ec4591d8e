"""A small catalogue for searches, and what a search must find in it: read off it one entry after the other.

The tables here are written by hand from the rules (grade overlay of the authorisation matrix; weights of the search),
not from the code.
"""

from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

from services.catalog.rules import asset as asset_rules
from services.catalog.rules.asset import Description, Entry, UpdateCycle
from services.catalog.rules.offer import Asked, Offer
from services.catalog.rules.search import Sort, Sought
from services.catalog.rules.viewing import EVERYTHING, Viewer
from services.catalog.rules.words import words
from services.catalog.store import entries as store
from services.catalog.store import offers, search
from shared.database import Transaction
from shared.grades import Clearance, Grade, Mode
from shared.ids import CertificateId, ListingId, ParticipantId, PlanId, VersionId
from shared.money import Money
from shared.oversight import Charge, oversight
from tests.catalog.made import NOON, a_draft, a_registered, registered, submitted, with_pending

FULL_FROM = {"G1": 0, "G2": 0, "G3": 2, "G4": 3}  # the clearance that the whole entry takes; 0: none
TITLE_FOR_ALL = {"G3"}
TITLE, KEYWORD, ASIDE, DESCRIBED = 8, 4, 2, 1
PROVIDERS = [ParticipantId.new(), ParticipantId.new()]
CHARGED = frozenset({PROVIDERS[0]})
VIEWERS = [
    Viewer(), EVERYTHING, Viewer(PROVIDERS[0], Clearance.C1), Viewer(PROVIDERS[1], None),
    *(Viewer(ParticipantId.new(), clearance) for clearance in Clearance),
    *(Viewer(oversight=oversight({office})) for office in ("operator_system", "operator_security", "regulator")),
    Viewer(oversight=oversight({"operator_business"}, [Charge("operator_business", Grade.G4, providers=CHARGED)])),
]  # fmt: skip
VOCABULARY = [
    "空气", "质量", "空气质量", "降水", "气象", "机场", "数据要素", "air", "Quality", "ＰＭ2.5", "café",
    "100%", "off_line", "NEAR", "it's", 'a"b', "x*", "OR", "title:",
]  # fmt: skip


@dataclass(frozen=True)
class Kept:
    entry: Entry
    offers: tuple[Offer, ...] = ()
    quality: int | None = None


async def keep(tx: Transaction, *catalogue: Kept) -> None:
    for offer in (offer for kept in catalogue for offer in kept.offers):
        await offers.put(tx, offer, "listed", 1)
        if offer.plan_id and offer.price:
            await offers.add_price(tx, Asked(offer.plan_id, 1, offer.version_id, offer.mode, offer.price, NOON, None))
            await offers.price(tx, offer.plan_id, NOON)
    await store.add_entries(tx, [kept.entry for kept in catalogue])
    for kept in catalogue:
        if kept.quality is not None:
            await search.score_quality(tx, kept.entry.asset.id, kept.quality)


def a_described(entry: Entry, **about: object) -> Entry:
    described = replace(entry.asset.about, **about)  # pyright: ignore[reportArgumentType]
    return replace(entry, asset=replace(entry.asset, about=described))


def with_grades(grades: list[Grade], provider_id: ParticipantId | None = None) -> Entry:
    """Registered in a version of each grade; a draft without any."""
    if not grades:
        return a_draft(provider_id)
    entry = a_registered(grades[0], provider_id=provider_id)
    for grade in grades[1:]:
        entry = registered(submitted(with_pending(asset_rules.add_version(entry, VersionId.new(), NOON), grade)))
    return entry


@st.composite
def some_text(draw: st.DrawFn, min_size: int = 0) -> str:
    parts = draw(st.lists(st.sampled_from(VOCABULARY), min_size=min_size, max_size=3))
    return draw(st.sampled_from(["", " ", "，", "-"])).join(parts)


@st.composite
def a_kept(draw: st.DrawFn) -> Kept:
    grades = draw(st.lists(st.sampled_from(list(Grade)[:4]), max_size=2))
    entry = a_described(
        with_grades(grades, draw(st.sampled_from(PROVIDERS))), title=draw(some_text(1)), description=draw(some_text()),
        title_english=draw(st.none() | some_text()), keywords=tuple(draw(st.lists(some_text(1), max_size=2))),
        theme=draw(st.sampled_from(["air", "transport"])), update_cycle=draw(st.sampled_from(list(UpdateCycle)[:2])),
        region=draw(st.sampled_from([None, "北京", "Quality"])),
        category=draw(st.sampled_from([None, "交通运输", "交通运输/航空", "交通", "气象/降水"])),
    )  # fmt: skip
    modes, pricings = st.sampled_from(list(Mode)[:2]), st.sampled_from(["fixed", "auction"])
    prices = st.none() | st.sampled_from([1, 50, 70]).map(Money)
    on_offer = [
        Offer(ListingId.new(), version.id, draw(modes), draw(pricings), PlanId.new(), draw(prices))
        for version in entry.versions
        for _ in range(draw(st.integers(0, 2)))
    ]
    return Kept(entry, tuple(on_offer), draw(st.none() | st.sampled_from([0, 5_000, 9_999])))


WORDS = st.sampled_from(
    ["空气", "质量", "空气质量", "降水", "机场", "数据要素", "air", "quality", "pm2", "北京", "航空"]
)
NARROWED = {
    "theme": "air", "category": "交通运输", "grade": Grade.G1, "mode": Mode.RAW, "pricing": "auction",
    "update_cycle": UpdateCycle.NEVER, "provider_id": PROVIDERS[0], "region": "北京",
}  # fmt: skip


@st.composite
def a_question(draw: st.DrawFn) -> Sought:
    """One word mostly, and seldom narrowed by more than one thing: what finds nothing tells little."""
    sought = draw(st.none() | st.lists(WORDS, min_size=1, max_size=2, unique=True).map(tuple[str, ...]))
    names = draw(st.lists(st.sampled_from(sorted(NARROWED)), max_size=2, unique=True))
    narrowed = {name: NARROWED[name] for name in names}
    if "grade" in narrowed:
        narrowed["grade"] = draw(st.sampled_from(list(Grade)[:4]))
    return Sought(sought, sort=draw(st.sampled_from(Sort)), **narrowed)  # pyright: ignore[reportArgumentType]


Places = list[tuple[int, str]]


def expected(catalogue: list[Kept], viewer: Viewer, sought: Sought) -> tuple[Places, dict[str, dict[str, int]]]:
    """The ranks and ids in order, and how many have which value."""
    ranked = Places()
    counted = {facet: Counter[str]() for facet in (
        "theme", "provider_id", "industry", "update_cycle", "region", "grade", "mode", "pricing")}  # fmt: skip
    for kept in catalogue:
        seen = _Seen(kept, viewer)
        if (rank := seen.rank(sought)) is not None:
            ranked.append((rank, kept.entry.asset.id))
            for facet, value in seen.values():
                counted[facet][value] += 1
    return sorted(ranked, reverse=True), {facet: dict(found) for facet, found in counted.items()}


def suggested(catalogue: list[Kept], viewer: Viewer, prefix: str) -> set[str]:
    """The words that begin so, of titles that show, and of keywords of what shows in full."""
    found = set[str]()
    for kept in catalogue:
        about, seen = kept.entry.asset.about, _Seen(kept, viewer)
        texts = [about.title, about.title_english or "", *(about.keywords if seen.full else ())]
        found |= {word for text in texts if seen.there for word in words(text) if word.startswith(prefix)}
    return found


def seen_by_office(viewer: Viewer, provider_id: ParticipantId) -> set[str | None]:
    """The grades that the staff sees of a provider; None of what is not registered."""
    offices = viewer.oversight.offices
    found: set[str | None] = {"G1", "G2", "G3"} if offices else set()
    if offices & {"operator_business", "operator_security", "regulator"}:
        found.add(None)
    if any(charge.is_of_all or provider_id in charge.providers for charge in viewer.oversight.charges):
        found.add("G4")
    return found


class _Seen:
    """An entry as one viewer sees it."""

    def __init__(self, kept: Kept, viewer: Viewer) -> None:
        asset, self.about, self.kept = kept.entry.asset, kept.entry.asset.about, kept
        level = int(viewer.clearance[1]) if viewer.clearance else 0
        graded = {
            version.id: str(version.graded.grade)
            for version in kept.entry.versions
            if version.certificate_id and version.graded and asset.state == "registered"
        }
        by_office = seen_by_office(viewer, asset.provider_id)
        inside = viewer.participant_id == asset.provider_id
        lowest = min(graded.values(), default=None)
        self.full = inside or lowest in by_office or (lowest is not None and level >= FULL_FROM[lowest])
        self.there = self.full or lowest in TITLE_FOR_ALL
        shown = {grade for grade in FULL_FROM if inside or grade in by_office or level >= FULL_FROM[grade]}
        theirs = {version: grade for version, grade in graded.items() if grade in shown}
        self.grades = set(theirs.values())
        self.ways = {(theirs[o.version_id], str(o.mode), o.pricing) for o in kept.offers if o.version_id in theirs}
        like_lowest = {version for version, grade in graded.items() if lowest and FULL_FROM[grade] <= FULL_FROM[lowest]}
        prices = [o.price.minor for o in kept.offers if o.price and o.version_id in like_lowest]
        self.price = min(prices, default=None)

    def rank(self, sought: Sought) -> int | None:
        """None if it is not found."""
        scores = [self._score(word) for word in sought.words] if sought.words else []
        if not self.there or not self._fits(sought) or sought.words == () or 0 in scores:
            return None
        last = -(2**62)
        match sought.sort:
            case Sort.RELEVANCE:
                return sum(scores)
            case Sort.NEWEST:
                return 0
            case Sort.QUALITY:
                return last if self.kept.quality is None or not self.full else self.kept.quality
            case Sort.PRICE:
                return last if self.price is None or not self.full else -self.price

    def _score(self, word: str) -> int:
        about = self.about
        places = [(TITLE, [about.title, about.title_english or ""]), (ASIDE, [about.theme])]
        if self.full:
            places += [(KEYWORD, list(about.keywords)), (ASIDE, [about.region or "", about.category or ""])]
            places += [(DESCRIBED, [about.description])]
        return max((weight for weight, texts in places for text in texts if word in words(text)), default=0)

    def _fits(self, sought: Sought) -> bool:
        about, category = self.about, sought.category
        hidden = (sought.category, sought.grade, sought.mode, sought.pricing, sought.update_cycle, sought.region)
        if any(hidden) and not self.full:
            return False
        wanted = (sought.grade, sought.mode, sought.pricing)
        ways = [way for way in self.ways if all(want in (None, told) for want, told in zip(wanted, way, strict=True))]
        return (
            sought.theme in (None, about.theme)
            and sought.provider_id in (None, self.kept.entry.asset.provider_id)
            and sought.region in (None, about.region)
            and sought.update_cycle in (None, about.update_cycle)
            and (not category or about.category == category or (about.category or "").startswith(f"{category}/"))
            and (not sought.grade or sought.grade in self.grades)
            and (not (sought.mode or sought.pricing) or bool(ways))
        )

    def values(self) -> set[tuple[str, str]]:
        about = self.about
        found = {("theme", about.theme), ("provider_id", str(self.kept.entry.asset.provider_id))}
        if self.full:
            found |= {("update_cycle", str(about.update_cycle))} | {("grade", grade) for grade in self.grades}
            found |= {("mode", mode) for _, mode, _ in self.ways} | {
                ("pricing", pricing) for _, _, pricing in self.ways
            }
            found |= {("region", about.region)} if about.region else set()
            found |= {("industry", about.category.split("/")[0])} if about.category else set()
        return found


def many(count: int, seed: int = 7) -> list[Entry]:
    """Registered entries of random words, for tests of size."""
    random = Random(seed)
    about = [
        Description(" ".join(random.choices(VOCABULARY, k=4)), random.choice(VOCABULARY), "air", UpdateCycle.DAILY)
        for _ in range(min(count, 500))
    ]
    model = a_registered(Grade.G1)
    return [_another(model, about[number % len(about)]) for number in range(count)]


def _another(model: Entry, about: Description) -> Entry:
    draft = a_draft(model.asset.provider_id)
    own = {"id": draft.versions[0].id, "asset_id": draft.asset.id, "certificate_id": CertificateId.new()}
    version = replace(model.versions[0], **own)  # pyright: ignore[reportArgumentType]
    return Entry(replace(model.asset, id=draft.asset.id, about=about), (version,))
