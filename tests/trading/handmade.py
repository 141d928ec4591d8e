"""The log of one English auction, written by hand: nothing of the code that makes such lines is used.

From noon on, in fen: start 100, step 10, a sealed reserve of 130. Ana names 120 and leads at 100; Bea names 150 in the
last five minutes, leads at 130 and moves the end; Ana answers with 140, which Bea's agent meets at 150, and the end
moves once more. Bea has it for 150.
"""

import hashlib
import hmac
import json
from typing import Any

Line = dict[str, Any]
SECOND = 1_000_000
NOON = 1_893_499_200 * SECOND  # 2030-01-01T12:00:00Z
CLOSE = NOON + 2 * 86_400 * SECOND
AUCTION, LISTING, PROVIDER = "auction_" + "1" * 32, "listing_" + "2" * 32, "participant_" + "3" * 32
ANA, BEA, EVE = "participant_" + "a" * 32, "participant_" + "b" * 32, "participant_" + "e" * 32
MAXIMA = {1: (120, "a1" * 32), 2: (150, "b2" * 32), 3: (140, "a3" * 32)}
RESERVE, RESERVE_SALT = 130, "c4" * 32
FEES = {"id": "fees-2026", "provider_fee_basis_points": 250, "tax_basis_points": 600}
WINDOWS = {"signing_seconds": 5, "payment_seconds": 6, "delivery_seconds": 7, "acceptance_seconds": 8,
           "settling_seconds": 9}  # fmt: skip


def yuan(minor: int) -> Line:
    return {"minor": minor, "currency": "CNY"}


def sealed(name: str, minor: int, salt: str) -> dict[str, str]:
    told = b"\x11" + name.encode() + b"\x00" + str(minor).encode()
    return {name: hmac.new(bytes.fromhex(salt), told, hashlib.sha256).hexdigest()}


def line(act: str, ts: int, data: Line, pd: dict[str, str] | None = None, **envelope: Any) -> Line:
    texts = [value for value in data.values() if isinstance(value, str)]
    ids = dict.fromkeys(text for text in texts if "_" in text and len(text.rpartition("_")[2]) == 32)
    made: Line = {
        "v": 1, "id": "fact_" + hashlib.sha256(f"{act} {ts} {data}".encode()).hexdigest()[:32], "ts": ts,
        "act": f"trading.{act}", "cat": "trade", "out": "ok", "ret": "auction",
        "actor": {"t": "service", "id": "trading"}, "data": data,
        "obj": [{"t": each.rpartition("_")[0], "id": each} for each in ids],
    }  # fmt: skip
    made |= {"pd": pd} if pd else {}
    made |= {"amt": dict(data["amount"])} if "amount" in data else {}
    made |= {"rsn": data["reason_code"]} if "reason_code" in data else {}
    return made | envelope


def registered(who: str, number: int, ts: int = NOON + 60 * SECOND) -> Line:
    decision = {"allowed": True, "rules": ["open"], "policy_version": "1"}
    return line("bidder_registered", ts, {
        "auction_id": AUCTION, "registration_id": f"registration_{number:032x}", "participant_id": who,
        "bidder_number": number, "deposit": yuan(10), "clearance": "C3", "decision": decision,
    }, pol={"allow": True, "rules": ["open"], "version": "1"})  # fmt: skip


def bid(sequence: int, who: str, number: int, ts: int, price: int, leading: bool, closes_at: int) -> Line:
    return line("bid_placed", ts, {
        "auction_id": AUCTION, "bid_id": f"bid_{sequence:032x}", "sequence": sequence, "bidder_number": number,
        "participant_id": who, "price": yuan(price), "leading": leading, "closes_at": closes_at, "placed_at": ts,
        "revision": sequence + 1,
    }, sealed("maximum", *MAXIMA[sequence]))  # fmt: skip


def opened() -> Line:
    return line("auction_opened", NOON, {
        "auction_id": AUCTION, "listing_id": LISTING, "provider_id": PROVIDER, "start_price": yuan(100),
        "increments": [{"from_minor": 0, "step_minor": 10, "step_basis_points": 0}], "deposit": yuan(10),
        "opens_at": NOON, "closes_at": CLOSE, "hard_closes_at": CLOSE + 14_400 * SECOND, "soft_close_seconds": 300,
        "extension_seconds": 300, "extensions_max": 60, "fees": dict(FEES), "windows": dict(WINDOWS),
        "rules_name": "standard", "priority_ids": [], "keeps_second": False, "second_answer_seconds": 60,
        "barred_ids": [EVE],
    }, sealed("reserve_price", RESERVE, RESERVE_SALT), v=2)  # fmt: skip


def closed() -> Line:
    openings = [{"sequence": at, "maximum_minor": minor, "salt": salt} for at, (minor, salt) in MAXIMA.items()]
    return line("auction_closed", CLOSE + 351 * SECOND, {
        "auction_id": AUCTION, "listing_id": LISTING, "outcome_state": "sold", "reason_code": "highest_bid",
        "winner_id": BEA, "amount": yuan(150), "bids": 3, "closed_at": CLOSE + 350 * SECOND, "openings": openings,
        "reserve_price": yuan(RESERVE), "reserve_salt": RESERVE_SALT, "revision": 5,
    }, v=2)  # fmt: skip


def ordered(buyer: str = BEA, minor: int = 150) -> Line:
    return line("order_placed", CLOSE + 351 * SECOND, {
        "order_id": "order_" + "5" * 32, "listing_id": LISTING, "version_id": "version_" + "6" * 32, "mode": "raw",
        "exclusive": True, "buyer_id": buyer, "provider_id": PROVIDER, "amount": yuan(minor), "auction_id": AUCTION,
        "contract_id": "contract_" + "7" * 32, "fees": dict(FEES), "windows": dict(WINDOWS),
        "deadline": CLOSE + 356 * SECOND,
    }, ret="txn", ctr="contract_" + "7" * 32)  # fmt: skip


def whole() -> dict[str, Line]:
    """By a name for each line."""
    return {
        "opened": opened(), "ana": registered(ANA, 1), "bea": registered(BEA, 2),
        "bid 1": bid(1, ANA, 1, NOON + 3_600 * SECOND, 100, True, CLOSE),
        "bid 2": bid(2, BEA, 2, CLOSE - 100 * SECOND, 130, True, CLOSE + 200 * SECOND),
        "bid 3": bid(3, ANA, 1, CLOSE + 50 * SECOND, 150, False, CLOSE + 350 * SECOND),
        "closed": closed(), "ordered": ordered(),
    }  # fmt: skip


def canonical(told: Line) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
