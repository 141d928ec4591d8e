"""Who owns what a provider lists, as it is frozen with the listing."""

from fractions import Fraction

from services.trading.actions.trading import Trading
from services.trading.rules import co_owner as rules
from services.trading.rules.co_owner import Computed, CoOwnerNotAdmitted, CoOwnersNamedTwice, Named, Ownership
from shared.access import Member
from shared.errors import NotAdmitted
from shared.ids import ParticipantId


async def ownership_of(trading: Trading, provider: Member, named: Named) -> Ownership:
    """Asked before any transaction. Requires a provider who is one of the co-owners; all of them are admitted.

    Raises NoSuchRevenueShares if the provider is no party to the computation, and what else is wrong with the names.
    """
    if (named.revenue_share_id is None) is (not named.owners):
        raise CoOwnersNamedTwice()
    if named.revenue_share_id is None:
        ownership = rules.by_basis_points(provider.participant_id, named.owners)
    else:
        found = await trading.pricing.revenue_shares(named.revenue_share_id, provider)
        values = [(share.participant_id, Fraction(share.value)) for share in found.shares]
        ownership = rules.by_revenue_share(provider.participant_id, values, Computed(found.id, found.document_hash))
    trading.standing.require_fresh()
    for owner in ownership.owners:
        if not _is_admitted(trading, owner.participant_id):
            raise CoOwnerNotAdmitted(participant_id=owner.participant_id)
    return ownership


def _is_admitted(trading: Trading, participant_id: ParticipantId) -> bool:
    try:
        return trading.standing.of(participant_id).is_admitted
    except NotAdmitted:  # nobody has heard of it
        return False
