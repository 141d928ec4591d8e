"""What happens when a price cap is filed for public data, and who may see it."""

from services.catalog.client import NoSuchVersion
from services.pricing.actions.pricing import Pricing, is_public, shows
from services.pricing.events.cap import PriceCapFiled
from services.pricing.rules import cap as rules
from services.pricing.rules.cap import Filing, NoSuchPriceCap, NotPublicData, PriceCap
from services.pricing.store import cap as store
from services.pricing.store import plan as plan_store
from shared.access import Caller, Member
from shared.idempotency import Once
from shared.ids import PriceCapId, VersionId


async def file(pricing: Pricing, provider: Member, version_id: VersionId, filing: Filing, once: Once) -> PriceCap:
    """Put a cap on record for a version of one's own. Prices that lie above it are quoted no more once it holds."""
    version = await pricing.catalog.version(version_id)
    async with pricing.database.transaction() as tx:
        if earlier := await once.recall(tx, PriceCap):
            return earlier
        if version.provider_id != provider.participant_id:
            raise NoSuchVersion()
        if not is_public(version):
            raise NotPublicData(flags=version.flags)
        await plan_store.price_list(tx, provider.participant_id)  # a price is published before this, or by this
        now = await pricing.database.now(tx)
        cap = rules.file(PriceCapId.new(), version_id, provider.participant_id, filing, now)
        await store.add_cap(tx, cap)
        await once.remember(tx, cap)
        await pricing.outbox.record(tx, provider.actor, now, PriceCapFiled.of(cap))
    return cap


async def cap(pricing: Pricing, caller: Caller, cap_id: PriceCapId) -> PriceCap:
    async with pricing.database.read() as tx:
        found = await store.cap(tx, cap_id)
    if not await shows(pricing, caller, await pricing.catalog.version(found.version_id)):
        raise NoSuchPriceCap()
    return found


async def caps(
    pricing: Pricing, caller: Caller, version_id: VersionId, limit: int, before: str | None
) -> list[PriceCap]:
    """The filings for a version, newest first. Looks for one more than `limit`, so that the end is known."""
    if not await shows(pricing, caller, await pricing.catalog.version(version_id)):
        raise NoSuchVersion()
    async with pricing.database.read() as tx:
        return await store.page_of_caps(tx, version_id, limit + 1, before)


async def current(pricing: Pricing, version_id: VersionId) -> PriceCap:
    """The cap that holds now. Raises NoSuchPriceCap if none does."""
    async with pricing.database.read() as tx:
        holding = rules.cap_at(await store.caps_of(tx, version_id), await pricing.database.now(tx))
    if holding is None:
        raise NoSuchPriceCap()
    return holding
