"""What crosses the wire about a search: what was found, why, and how much there is of which kind."""

from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules import fragment as fragments
from services.catalog.rules import offer as offers
from services.catalog.rules import search
from services.catalog.rules.asset import Entry, UpdateCycle
from services.catalog.rules.search import Count, Place, Sort, Sought
from services.catalog.rules.viewing import Viewer, grades_shown, grades_shown_of
from services.catalog.schemas.assets import AssetView
from shared.grades import Grade, Mode, Visibility
from shared.money import Money
from shared.web import BadCursor, Listing, Page, View

Text = Annotated[str, Limits(min_length=1, max_length=200)]
Theme = Annotated[str, Limits(max_length=40)]
Category = Annotated[str, Limits(max_length=160)]
Pricing = Annotated[str, Limits(pattern=r"^[a-z][a-z_]{0,39}$")]
Cycle = UpdateCycle  # as it stands in a query
Region = Annotated[str, Limits(max_length=60)]


def asked(text: str | None, sort: Sort | None, **narrowed: object) -> Sought:
    """Raises TooManyWords, NothingToRankBy."""
    return search.question(text, sort, **narrowed)


def place_in(sought: Sought, page: Page) -> Place | None:
    """Where the page begins. Raises BadCursor for a cursor of another question, or of none."""
    try:
        return None if page.after is None else search.place(sought, page.after)
    except ValueError as error:
        raise BadCursor() from error


class PieceView(View):
    text: str
    hit: bool


class FragmentView(View):
    """Of one field, in pieces that put together are its text. `cut` where the text goes on before or after."""

    field: str
    pieces: list[PieceView]
    cut: bool


class OfferedAsView(View):
    grade: Grade
    mode: Mode
    pricing: str


class FoundView(AssetView):
    """An entry in a list. `offered` and `price` as trading told last; `quality_score` in basis points.

    `fragments` where words were sought: what of them was found in what shows to you.
    """

    offered: list[OfferedAsView] | None = None
    price: Money | None = None
    quality_score: int | None = None
    fragments: list[FragmentView] | None = None

    @classmethod
    def found(
        cls, entry: Entry, viewer: Viewer, sought: Sought, offered: tuple[offers.OfferedAs, ...],
        price: Money | None, quality_score: int | None,
    ) -> Self:  # fmt: skip
        """Requires an entry that shows to the viewer at all."""
        view = cls.of(entry, viewer)
        in_full = view.visibility is Visibility.FULL
        if sought.words is not None:
            found = fragments.fragments(entry.asset.about, sought.words, in_full=in_full)
            view = view.model_copy(update={"fragments": [FragmentView.model_validate(each) for each in found]})
        if not in_full:
            return view
        theirs = grades_shown_of(entry.asset, viewer)
        shown = [OfferedAsView.model_validate(way) for way in offered if way.grade in theirs]
        return view.model_copy(update={"offered": shown, "price": price, "quality_score": quality_score})


class CountView(View):
    value: str
    count: int


class FacetsView(View):
    """How many of what was found have which value. An entry that shows by its title counts for what that tells."""

    theme: list[CountView]
    industry: list[CountView]
    grade: list[CountView]
    mode: list[CountView]
    pricing: list[CountView]
    update_cycle: list[CountView]
    provider_id: list[CountView]
    region: list[CountView]

    @classmethod
    def of(cls, counts: list[Count], viewer: Viewer) -> Self:
        told = search.facets(counts, grades_shown(viewer, Visibility.FULL))
        return cls(**{facet: [CountView(value=value, count=n) for value, n in of] for facet, of in told.items()})


class CatalogueView(Listing[FoundView]):
    """A page of the catalogue. `total` and `facets` come with the first page, and count at most the 10 000 newest that
    were found: `counts_capped` says that there may be more."""

    total: int | None
    counts_capped: bool | None
    facets: FacetsView | None

    @classmethod
    def found(
        cls, views: list[FoundView], places: list[Place], page: Page, sought: Sought, counts: list[Count], total: int,
        viewer: Viewer,
    ) -> Self:  # fmt: skip
        """Requires that one more than the page's limit was looked for, and counted on the first page."""
        cursors = {place.asset_id: search.cursor(sought, place) for place in places}
        listed = Listing[FoundView].of(views, page, key=lambda view: cursors[view.id])
        first = page.after is None
        return cls(
            items=listed.items, next_cursor=listed.next_cursor, total=total if first else None,
            counts_capped=total >= search.COUNTED_MAX if first else None,
            facets=FacetsView.of(counts, viewer) if first else None,
        )  # fmt: skip


class SuggestionsView(View):
    """`items` are whole texts to seek, the likeliest first."""

    items: list[str]
