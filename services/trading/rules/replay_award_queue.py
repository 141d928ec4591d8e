"""The replay of what follows on a close, by outcry or by sealed bids: payment, default, and the second's answer.

That an order was paid, fell into default or lapsed is told by the order's own facts, and taken from there on trust.
"""

from typing import TypeVar

from services.trading.rules import award_queue as rules
from services.trading.rules.any_auction import Awardable
from services.trading.rules.auction import AWARDED, SECOND_ASKED, SOLD, Reason
from services.trading.rules.proxy import Lead
from services.trading.rules.replay_entry import Entry, Findings, Lacking
from services.trading.rules.replay_fold import Owed
from shared.ids import ParticipantId

FOLLOWING = frozenset({"award_confirmed", "second_asked", "second_accepted", "award_failed"})
Kind = TypeVar("Kind", bound=Awardable)


def follow(
    findings: Findings, owed: dict[ParticipantId, Owed], before: Kind, second: Lead | None, entry: Entry
) -> Kind:
    """The auction after one of these facts, compared with it. `second` is who was second at the close."""
    match entry.act:
        case "award_confirmed":
            findings.trust("award_confirmed: that the winner has paid")
            after = rules.confirm(before, entry.at)
            told: dict[str, object] = {"winner_id": after.winner_id}
        case "second_asked":
            findings.trust("second_asked: that the winner has not paid")
            after = rules.ask_second(before, _known(findings, second, entry), entry.at)
            told = {
                "defaulter_id": after.defaulter_ids[-1], "second_id": after.leader_id, "amount": after.price,
                "deadline": after.deadline, "reason_code": after.reason_code,
            }  # fmt: skip
        case "second_accepted":
            after = rules.accept(before, ParticipantId(entry.data["winner_id"]), entry.at)
            assert after.winner_id is not None and after.price is not None
            owed[after.winner_id] = Owed(after.price, entry)
            told = {"winner_id": after.winner_id, "amount": after.price, "reason_code": after.reason_code}
        case _:
            after = _failed(findings, before, entry)
            told = {
                "listing_id": after.listing_id, "reason_code": after.reason_code, "failed_at": after.failed_at,
                "defaulter_id": after.defaulter_ids[-1] if after.defaulter_ids else None,
            }  # fmt: skip
    findings.compare(entry, {"auction_id": after.id, "revision": after.revision} | told)
    return after


def _known(findings: Findings, second: Lead | None, entry: Entry) -> Lead:
    if second is None:
        findings.differ(entry, "second_id", entry.data["second_id"], None)
        raise Lacking()
    return second


def _failed(findings: Findings, before: Kind, entry: Entry) -> Kind:
    reason = entry.data["reason_code"]
    if before.state is SOLD and before.failed_at is None:
        findings.trust("award_failed: that the winner has not paid")
        return rules.fail(before, entry.at)
    if before.state is AWARDED:
        findings.trust(f"award_failed: that the order ended, {reason}")
        return rules.lapse(before, reason, entry.at)
    if before.state is SECOND_ASKED and before.leader_id and reason == Reason.SECOND_DECLINED:
        return rules.decline(before, before.leader_id, entry.at)
    if rules.answer_is_overdue(before, entry.at):
        return rules.pass_deadline(before)
    findings.differ(entry, "act", entry.act, f"nothing, in the state {before.state}")
    raise Lacking()
