"""What follows on the close of an auction, drawn by chance: the same for an open outcry and for sealed bids."""

from datetime import timedelta
from typing import TypeVar

from services.trading.events.award_queue import AwardConfirmed, AwardFailed, SecondAccepted, SecondAsked
from services.trading.rules import auction as auction_rules
from services.trading.rules import award_queue
from services.trading.rules.any_auction import Awardable
from services.trading.rules.proxy import Lead
from tests.trading.player import Player

Kind = TypeVar("Kind", bound=Awardable)


def followed(player: Player, auction: Kind, second: Lead | None) -> Kind:
    """What may become of an award: it is paid, or not; then the second takes it, or not."""
    chance = player.chance
    player.now += timedelta(days=1)
    if auction.state is auction_rules.SOLD and chance.random() < 0.5:
        auction = award_queue.fail(auction, player.now)
        player.tell(AwardFailed.of(auction))
    if auction.state is not auction_rules.AWARDED:
        return auction
    assert second is not None
    match chance.choice(["paid", "lapsed", "accepted", "declined", "silent", "asked"]):
        case "paid":
            auction = award_queue.confirm(auction, player.now)
            player.tell(AwardConfirmed.of(auction))
            return auction
        case "lapsed":
            auction = award_queue.lapse(auction, "not_signed_by_provider", player.now)
            player.tell(AwardFailed.of(auction))
            return auction
        case after:
            auction = award_queue.ask_second(auction, second, player.now)
            player.tell(SecondAsked.of(auction))
    assert auction.leader_id is not None and auction.price is not None and auction.deadline is not None
    player.now = auction.deadline - timedelta(microseconds=after != "silent")
    if after == "accepted":
        auction = award_queue.accept(auction, auction.leader_id, player.now)
        player.tell(SecondAccepted.of(auction))
        player.order(auction, second.bidder_id, second.price)
    elif after == "declined":
        auction = award_queue.decline(auction, auction.leader_id, player.now)
        player.tell(AwardFailed.of(auction))
    elif after == "silent":
        auction = award_queue.pass_deadline(auction)
        player.tell(AwardFailed.of(auction))
    return auction
