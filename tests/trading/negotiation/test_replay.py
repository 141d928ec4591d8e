"""The log's lines alone, folded by the rules: they give the negotiation that is kept, to the last field."""

from typing import Any

from pydantic import TypeAdapter

from services.trading.rules import negotiation as rules
from services.trading.rules.award import FrozenFees
from services.trading.rules.market_rules import STANDARD
from services.trading.rules.negotiation import Negotiation, Objection, Withdrawal
from services.trading.rules.negotiation_terms import Manner, Offer, Side, Terms
from services.trading.store import negotiation as store
from shared.facts import moment
from shared.ids import ContractId, NegotiationId, OfferId, OrderId, ParticipantId
from tests.trading.market import Market
from tests.trading.negotiation.asked import accepted, answered, asked, directed, ended, listed
from tests.trading.test_replay import Line, lines


def offer_of(told: Any) -> Offer:
    times = {name: moment(told[name]) for name in ("made_at", "expires_at")}
    return TypeAdapter(Offer).validate_python(told | times | {"side": Side(told["side"])} | {"terms": terms_of(told)})


def terms_of(told: Any) -> Terms:
    return TypeAdapter(Terms).validate_json(TypeAdapter(Any).dump_json(told["terms"]))


def replayed(log: list[Line]) -> dict[str, Negotiation]:
    """Every negotiation, by the commands that the lines carry."""
    found = dict[str, Negotiation]()
    for line in log:
        data, now, kind = line["data"], moment(line["ts"]), line["act"].removeprefix("trading.negotiation_")
        if line["act"] != f"trading.negotiation_{kind}":
            continue
        key = data["negotiation_id"]
        found[key] = opened(data) if kind == "opened" else moved(found[key], kind, data, now)
        assert (found[key].state, found[key].revision) == (data["state"], data["revision"])
    return found


def opened(data: Any) -> Negotiation:
    manner, offer = Manner(**data["manner"]), offer_of(data["offer"])
    assert offer.terms_hash == offer.terms.hash
    parties = ParticipantId(data["provider_id"]), ParticipantId(data["buyer_id"])
    return rules.open_negotiation(NegotiationId(data["negotiation_id"]), *parties, manner, offer)


def moved(before: Negotiation, kind: str, data: Any, now: Any) -> Negotiation:
    match kind:
        case "answered":
            made = offer_of(data["offer"])
            return rules.answer(before, made.side, made.id, made.terms, made.expires_at, STANDARD.negotiation, now)
        case "accepted":
            yes = data["yes"]
            named = Side(yes["side"]), OfferId(yes["offer_id"]), yes["terms_hash"]
            return rules.accept(before, *named, FrozenFees(**yes["fees"]), now)
        case "approved":
            return rules.approve(before, data["approval"]["by"], None, data["approval"]["reason"], now)
        case "agreed":
            deadline = moment(data["deadline"])
            return rules.agree(before, OrderId(data["order_id"]), ContractId(data["contract_id"]), deadline)
        case "verified":
            return rules.verify(before, now)
        case "finalized":
            return rules.finalize(before, now)
        case _:
            return over(before, data["ending"], now)


def over(before: Negotiation, ending: Any, now: Any) -> Negotiation:
    match ending["by"]:
        case "deadline":
            return rules.pass_deadline(before, now)
        case "order":
            return rules.fail(before, ending["reason_code"], now)
        case "operator_business":
            return rules.refuse(before, None, Objection(ending["reason_code"]), ending["reason"], now)
        case side:
            return rules.terminate(before, Side(side), Withdrawal(ending["reason_code"]), ending["reason"], now)


async def test_folding_the_log_gives_every_negotiation_that_is_kept(market: Market):
    operator = market.bench.staff("operator_business")
    buyers = [await market.buyer() for _ in range(6)]
    listing = await listed(market)
    bargained = [(await asked(market, who, listing)).json() for who in buyers[:3]]
    bargained = [(await answered(market, market.provider, each, 50_000)).json() for each in bargained]
    signed, unsigned = [
        (await accepted(market, who, each)).json() for who, each in zip(buyers, bargained[:2], strict=False)
    ]
    await market.signed(buyers[0], {"contract_id": signed["contract_id"]})
    await ended(market, market.provider, bargained[2])
    private = [(await directed(market, who, listing)).json() for who in buyers[3:]]
    for who, each, decision in zip(buyers[3:], private, ("approval", "refusal", None), strict=True):
        await accepted(market, who, each)
        body = {"reason": "因为"} | ({"reason_code": "parties_related"} if decision == "refusal" else {})
        if decision:
            await market.do(operator, f"/negotiations/{each['id']}/{decision}", body)
    await asked(market, buyers[2], listing)
    await market.advance(days=5)

    again = replayed(await lines(market))
    assert {each.reason_code for each in again.values()} == {
        None, "not_signed", "price_not_agreed", "parties_related", "approval_overdue", "offer_expired",
    }  # fmt: skip
    async with market.trading.database.read() as tx:
        kept = {key: await store.negotiation(tx, NegotiationId(key), None) for key in again}
    assert kept == again
    assert unsigned["id"] in kept and len(kept) == 7
