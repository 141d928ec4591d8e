"""What people do in the market: each act by whoever may do it, about something that is there.

What is there is looked up beside the market, so that whoever lost an answer goes on all the same.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from services.trading.client import TradingClient
from shared.errors import Failure
from shared.ids import EntitlementId, UseId
from tests.simulator.actors import Actor
from tests.simulator.eyes import Eyes, Row
from tests.simulator.furnishing import (
    BUYERS,
    DEPOSIT_MINOR,
    PRICE_MINOR,
    PROVIDERS,
    RIGHT,
    START_MINOR,
    STEP_MINOR,
    Version,
    yuan,
)
from tests.simulator.market import SimulatedMarket

REASON = {"reason": "因为"}
NONCE = "c7" * 32
NUMBER = "(SELECT max(number) FROM order_objections WHERE order_id = orders.id) AS number"
SEALED = ("sealed_first", "sealed_second")


@dataclass
class Stage:
    market: SimulatedMarket
    eyes: Eyes
    actors: Mapping[str, Actor]
    versions: tuple[Version, ...]
    chance: random.Random
    seen: Counter[str]
    by_id: dict[str, Actor] = field(init=False)
    sealed: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])  # what whom bid, sealed

    def __post_init__(self) -> None:
        self.by_id = {actor.id: actor for actor in self.actors.values() if actor.id}

    def pick(self, query: str, *values: object) -> Row | None:
        """Any of what is found in trading. Requires a query that orders what it finds."""
        found = self.eyes.trading(query, *values)
        return self.chance.choice(found) if found else None

    def buyer(self) -> Actor:
        return self.actors[self.chance.choice(BUYERS)]

    def version(self) -> Version:
        return self.chance.choice(self.versions)

    def moment(self, **later: float) -> str:
        return (self.market.clocks["outside"].now() + timedelta(**later)).isoformat()


Act = Callable[[Stage], Coroutine[Any, Any, None]]


async def pay_in(stage: Stage) -> None:
    await pay_in_of(stage, stage.chance.choice(BUYERS))


async def pay_in_of(stage: Stage, who: str) -> None:
    amount = yuan(stage.chance.randint(1, 50_000))
    await stage.actors[who].write("/trading/v1/wallet/pay-ins", {"amount": amount})


async def pay_out(stage: Stage) -> None:
    who = stage.chance.choice([stage.actors[name] for name in (*BUYERS, *PROVIDERS)])
    await who.write("/trading/v1/wallet/payouts", {"amount": yuan(stage.chance.randint(1, 60_000))})


# --- at a fixed price


async def list_fixed(stage: Stage) -> None:
    version = stage.version()
    await stage.actors[version.owner].write("/trading/v1/listings", {
        "version_id": version.version_id, "mode": "raw", "pricing": "fixed", "plan_id": version.plan_id,
        "quota_uses": stage.chance.randint(1, 3), "right": RIGHT, "purposes": ["research"],
    })  # fmt: skip


async def order(stage: Stage) -> None:
    listing = stage.pick("SELECT id, plan_id FROM listings WHERE state = 'listed' AND plan_id NOTNULL ORDER BY id")
    buyer = stage.buyer()
    if listing and (quote := await buyer.write("/pricing/v1/quotes", {"plan_id": listing["plan_id"]})):
        accepted = {"quote_id": quote["id"], "quote_version": quote["version"], "total": quote["total"]}
        await buyer.write("/trading/v1/orders", {"listing_id": listing["id"], **accepted})


async def delist(stage: Stage) -> None:
    change = stage.chance.choice(("suspend", "resume", "delist"))
    listing = stage.pick("SELECT id, provider_id FROM listings WHERE state IN ('listed', 'suspended') ORDER BY id")
    if listing:
        await stage.by_id[listing["provider_id"]].write(f"/trading/v1/listings/{listing['id']}/{change}")


# --- auctions


async def list_for_auction(stage: Stage) -> None:
    version = stage.version()
    mechanism = stage.chance.choice(("english", "english", "english", "dutch", *SEALED))
    right = RIGHT | {"kind": "exclusive", "field": stage.chance.choice(("research", "air_travel", "finance"))}
    await stage.actors[version.owner].write("/trading/v1/listings", {
        "version_id": version.version_id, "mode": "raw", "pricing": "auction", "mechanism": mechanism,
        "quota_uses": 2, "right": right, "purposes": ["research"],
    })  # fmt: skip


async def open_auction(stage: Stage) -> None:
    listing = stage.pick(
        "SELECT id, provider_id, mechanism FROM listings WHERE state = 'listed' AND pricing = 'auction'"
        " AND id NOT IN (SELECT listing_id FROM auctions WHERE state = 'open') ORDER BY id"
    )
    if listing is None:
        return
    hours = 24 + stage.chance.random()
    terms: dict[str, Any] = {
        "listing_id": listing["id"], "start_price": yuan(START_MINOR), "deposit": yuan(DEPOSIT_MINOR),
        "closes_at": stage.moment(hours=hours),
    }  # fmt: skip
    if stage.chance.random() < 0.5:
        terms["reserve_price"] = yuan(START_MINOR + stage.chance.randint(0, 8) * STEP_MINOR)
    match listing["mechanism"]:
        case "english":
            terms |= {"increments": [{"from_minor": 0, "step_minor": STEP_MINOR}]}
            terms |= {"keeps_second": stage.chance.random() < 0.5}
        case "dutch":
            terms.pop("reserve_price", None)
            terms["schedule"] = {"decrement": yuan(500), "interval_seconds": 3_600, "floor_price": yuan(3_000)}
        case _:
            terms |= {"reveal_closes_at": stage.moment(hours=hours + 2), "keeps_second": stage.chance.random() < 0.5}
    await stage.by_id[listing["provider_id"]].write("/trading/v1/auctions", terms)


async def register(stage: Stage) -> None:
    auction, who = _open_auction(stage), stage.buyer()
    if auction:
        await who.write(f"/trading/v1/auctions/{auction['id']}/registrations")


async def bid(stage: Stage) -> None:
    """In whichever way the auction takes bids."""
    auction = _open_auction(stage)
    registered = auction and stage.pick(
        "SELECT participant_id FROM registrations WHERE auction_id = ? ORDER BY id", auction["id"]
    )
    if not auction or not registered:
        return
    who, path = stage.by_id[registered["participant_id"]], f"/trading/v1/auctions/{auction['id']}"
    floor = auction["price_minor"] or START_MINOR
    most = {"maximum": yuan(floor + stage.chance.randint(-1, 8) * STEP_MINOR)}
    match auction["mechanism"]:
        case "english":
            await who.write(f"{path}/bids", most)
        case "dutch":
            if stage.chance.random() < 0.3:
                await who.write(f"{path}/acceptances", most)
        case _:
            await _seal_or_reveal(stage, who, auction["id"], path)


async def _seal_or_reveal(stage: Stage, who: Actor, auction_id: str, path: str) -> None:
    if (auction_id, who.id) in stage.sealed:
        amount = stage.sealed[auction_id, who.id]
        if amount % 3:  # some never open what they sealed
            await who.write(f"{path}/reveals", {"amount": yuan(amount), "nonce": NONCE})
        return
    amount = START_MINOR + stage.chance.randint(0, 50) * 100
    stage.sealed[auction_id, who.id] = amount
    told = {"amount": yuan(amount), "auction": auction_id, "bidder": who.id, "nonce": NONCE}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    await who.write(f"{path}/sealed-bids", {"commitment": sha256(text.encode()).hexdigest()})


async def end_auction(stage: Stage) -> None:
    """By its provider while nobody has bid; by two operators afterwards."""
    auction = _open_auction(stage)
    if auction is None:
        return
    path = f"/trading/v1/auctions/{auction['id']}"
    if stage.chance.random() < 0.5:
        await stage.by_id[auction["provider_id"]].write(f"{path}/cancel")
    elif await stage.actors["business"].write(f"{path}/cancellation", {"ground": "collusion"}):
        await stage.actors["business2"].write(f"{path}/cancellation/confirmation", {"ground": "collusion"})


async def answer_as_second(stage: Stage) -> None:
    auction = stage.pick("SELECT id, second_id FROM auctions WHERE state = 'second_asked' ORDER BY id")
    if auction:
        answer = stage.chance.choice(("acceptance", "refusal"))
        await stage.by_id[auction["second_id"]].write(f"/trading/v1/auctions/{auction['id']}/second-award/{answer}")


def _open_auction(stage: Stage) -> Row | None:
    return stage.pick("SELECT id, provider_id, mechanism, price_minor FROM auctions WHERE state = 'open' ORDER BY id")


# --- from an award to acceptance


async def sign(stage: Stage) -> None:
    contract = stage.pick(
        "SELECT id, terms_hash, buyer_id, provider_id FROM contracts WHERE state = 'drafted' ORDER BY id"
    )
    if contract:
        side = stage.chance.choice(("buyer_id", "provider_id"))
        await stage.by_id[contract[side]].sign(contract["id"], contract["terms_hash"])


async def pay(stage: Stage) -> None:
    await _by_buyer(stage, "('awaiting_payment')", "payment")


async def use(stage: Stage) -> None:
    """What delivery asks before it sends anything: by its own client, on behalf of the buyer."""
    found = stage.pick("SELECT id, buyer_id, grade_revision FROM entitlements WHERE state = 'active' ORDER BY id")
    delivery = stage.market.processes["delivery"]
    if not found or not delivery.lives:
        return
    buyer = stage.by_id[found["buyer_id"]]
    token = await buyer.token()
    if token:
        client = TradingClient(delivery.core.peer("trading"))
        use_id, revision = UseId.new(), found["grade_revision"]
        asking = client.use(EntitlementId(found["id"]), use_id, revision, _OnBehalf(token))
        stage.eyes.memory["uses asked for"] = stage.eyes.memory.get("uses asked for", 0) + 1
        try:
            await stage.market.begin(delivery, asking)
        except (Failure, asyncio.CancelledError) as failure:
            stage.seen[f"use: {failure!r}"] += 1


@dataclass(frozen=True)
class _OnBehalf:
    token: str | None


async def accept(stage: Stage) -> None:
    await _by_buyer(stage, "('awaiting_acceptance', 'objected', 'answered')", "acceptance")


async def object_to(stage: Stage) -> None:
    body = {"grounds": [{"code": "not_as_described"}], "claim": yuan(stage.chance.randint(1, PRICE_MINOR)), **REASON}
    await _by_buyer(stage, "('awaiting_acceptance')", "objections", body)


async def answer_objection(stage: Stage) -> None:
    found = stage.pick(f"SELECT id, provider_id, {NUMBER} FROM orders WHERE state = 'objected' ORDER BY id")
    if found:
        answer = stage.chance.choice(("cure", "concession", "rejection"))
        path = f"/trading/v1/orders/{found['id']}/objections/{found['number']}/{answer}"
        await stage.by_id[found["provider_id"]].write(path, REASON)


async def take_answer(stage: Stage) -> None:
    found = stage.pick(f"SELECT id, buyer_id, {NUMBER} FROM orders WHERE state = 'answered' ORDER BY id")
    if found:
        word = stage.chance.choice(("acceptance", "refusal", "withdrawal"))
        path = f"/trading/v1/orders/{found['id']}/objections/{found['number']}/{word}"
        await stage.by_id[found["buyer_id"]].write(path)


async def refund(stage: Stage) -> None:
    found = stage.pick("SELECT id, provider_id FROM orders WHERE state = 'settled' ORDER BY id")
    if found:
        body = {"amount": yuan(stage.chance.randint(1, PRICE_MINOR)), **REASON}
        await stage.by_id[found["provider_id"]].write(f"/trading/v1/orders/{found['id']}/refunds", body)


async def _by_buyer(stage: Stage, states: str, act: str, body: object = None) -> None:
    found = stage.pick(f"SELECT id, buyer_id FROM orders WHERE state IN {states} ORDER BY id")  # noqa: S608
    if found:
        await stage.by_id[found["buyer_id"]].write(f"/trading/v1/orders/{found['id']}/{act}", body)


# --- disputes


async def dispute(stage: Stage) -> None:
    found = stage.pick(
        "SELECT id, buyer_id FROM orders WHERE state IN"
        " ('awaiting_delivery', 'awaiting_acceptance', 'objected', 'answered') ORDER BY id"
    )
    if found:
        await stage.by_id[found["buyer_id"]].write("/trading/v1/disputes", {
            "order_id": found["id"], "category": "not_as_described",
            "amount": yuan(stage.chance.randint(1, PRICE_MINOR)), "remedies": [], "statement": "因为", "nonce": NONCE,
        })  # fmt: skip


async def go_on_with_dispute(stage: Stage) -> None:
    found = stage.pick(
        "SELECT id, claimant_id, buyer_id, provider_id FROM disputes WHERE state NOT IN"
        " ('enforced', 'settled', 'withdrawn', 'defaulted') ORDER BY id"
    )
    if found is None:
        return
    path = f"/trading/v1/disputes/{found['id']}"
    claimant = stage.by_id[found["claimant_id"]]
    respondent = stage.by_id[({found["buyer_id"], found["provider_id"]} - {claimant.id}).pop()]
    match stage.chance.randrange(4):
        case 0:
            await respondent.write(f"{path}/response", {"admitted": yuan(0), "statement": "因为", "nonce": NONCE})
        case 1:
            await claimant.write(f"{path}/withdrawal")
        case _:
            split: dict[str, Any] = {"split": {"claimant": 5_000, "respondent": 5_000}, "remedies": []}
            if await claimant.write(f"{path}/settlement", split):
                await respondent.write(f"{path}/settlement", split)


# --- the platform and the regulator


async def raise_grade(stage: Stage) -> None:
    """So that what is on offer, or granted, may be more than its buyers may have."""
    impact = {"object": "individual", "degree": stage.chance.choice(("ordinary", "serious")), "rationale": "因为"}
    path = f"/catalog/v1/versions/{stage.version().version_id}/raise-grade"
    await stage.actors["business"].write(path, {"impacts": [impact], **REASON})


async def change_standing(stage: Stage) -> None:
    who, act = stage.chance.choice((*BUYERS, *PROVIDERS)), stage.chance.choice(("suspend", "reinstate", "reinstate"))
    body = {"reason_code": "asked_for", **REASON}
    await stage.actors["security"].write(f"/identity/v1/participants/{stage.actors[who].id}/{act}", body)


async def freeze(stage: Stage) -> None:
    found = stage.pick(
        "SELECT id FROM orders WHERE state NOT IN ('settled', 'lapsed', 'defaulted', 'refunded') ORDER BY id"
    )
    if found and (frozen := await stage.actors["regulator"].write("/trading/v1/freezes", {
        "scope": "order", "order_id": found["id"], "ground": "evidence", "legal_basis": "行政强制法第二十二条",
        "case_reference": "case_1", "expires_at": stage.moment(days=stage.chance.randint(1, 5)),
    })):  # fmt: skip
        await stage.actors["regulator2"].write(f"/trading/v1/freezes/{frozen['id']}/confirmation")


async def repeat(stage: Stage) -> None:
    """Of something that was answered not long ago."""
    day_ago = stage.market.clocks["outside"].now() - timedelta(hours=23)
    recent = [each for each in stage.eyes.acknowledged[-40:] if each.at > day_ago]
    if recent:
        before = stage.chance.choice(recent)
        await stage.actors[before.actor].repeat(before)


LISTED = "SELECT 1 FROM listings WHERE state = 'listed' AND pricing = "
OPEN, ORDERS = "SELECT 1 FROM auctions WHERE state = 'open'", "SELECT 1 FROM orders WHERE state = "
# How often, what, and where there is something to do it with.
ACTS: Sequence[tuple[int, Act, str | None]] = (
    (2, pay_in, None), (1, pay_out, None), (2, list_fixed, None), (7, order, LISTED + "'fixed'"),
    (1, delist, "SELECT 1 FROM listings WHERE state IN ('listed', 'suspended')"), (3, list_for_auction, None),
    (6, open_auction, LISTED + "'auction' AND id NOT IN (SELECT listing_id FROM auctions WHERE state = 'open')"),
    (6, register, OPEN), (14, bid, OPEN + " AND id IN (SELECT auction_id FROM registrations)"),
    (1, end_auction, OPEN), (6, answer_as_second, "SELECT 1 FROM auctions WHERE state = 'second_asked'"),
    (14, sign, "SELECT 1 FROM contracts WHERE state = 'drafted'"), (10, pay, ORDERS + "'awaiting_payment'"),
    (10, use, "SELECT 1 FROM entitlements WHERE state = 'active'"), (4, accept, ORDERS + "'awaiting_acceptance'"),
    (4, object_to, ORDERS + "'awaiting_acceptance'"), (6, answer_objection, ORDERS + "'objected'"),
    (6, take_answer, ORDERS + "'answered'"), (3, refund, ORDERS + "'settled'"),
    (2, dispute, "SELECT 1 FROM orders WHERE entitlement_id NOTNULL AND state NOT IN ('settled', 'refunded')"),
    (5, go_on_with_dispute, ORDERS + "'disputed'"), (1, raise_grade, None), (2, change_standing, None),
    (1, freeze, None), (4, repeat, None),
)  # fmt: skip


def an_act(stage: Stage) -> Act:
    """One for which there is something to do it with."""
    weights = [weight for weight, _, _ in ACTS]
    while True:
        [(_, act, query)] = stage.chance.choices(ACTS, weights)
        if query is None or stage.eyes.trading(query + " LIMIT 1"):
            return act
