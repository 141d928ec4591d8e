"""A person signs a contract without a key: after a fresh second factor, by naming the hash of what they read."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from services.trading.tables.deals import signatures
from shared.access import STEP_UP_LIFETIME
from shared.ids import KeyId
from tests.support.bench import Person
from tests.trading.market import Market, code


async def sign(market: Market, who: Person, contract: dict[str, Any], **changes: Any) -> Any:
    body = {"terms_hash": contract["terms_hash"]} | changes
    return await market.post(who, f"/contracts/{contract['id']}/signatures/in-person", body)


async def drafted(market: Market) -> tuple[Person, dict[str, Any]]:
    buyer, order = await market.won()
    return buyer, await market.read(buyer, f"/contracts/{order['contract_id']}")


def stepped_up(market: Market, who: Person, **changes: Any) -> Person:
    return replace(who, **({"acr": "totp", "authenticated_at": market.bench.clock.now()} | changes))


async def test_a_person_binds_their_organisation_and_the_page_says_who(market: Market):
    buyer, contract = await drafted(market)
    signed = (await sign(market, stepped_up(market, buyer), contract)).json()
    (told,) = signed["signatures"]
    assert (told["side"], told["key_id"], told["signature"]) == ("buyer", None, None)
    assert (told["person"]["user_id"], told["person"]["authenticated_by"]) == (buyer.subject, "totp")
    assert (await market.sign(market.provider, contract["id"])).json()["state"] == "active"
    first, second = await market.facts("contract_signed")
    assert first["person"]["user_id"] == buyer.subject and "key_id" not in first
    assert second["key_id"] == market.provider.key_id and "person" not in second
    await market.tick()
    page = await market.bench.get(buyer, f"/trading/v1/contracts/{contract['id']}/document")
    assert page.status_code == 200 and page.content.startswith(b"%PDF")


@pytest.mark.parametrize("proof", [
    {"acr": "password"}, {"acr": None}, {"authenticated_at": None}, {"late": True},
], ids=["by password", "unknown", "without a time", "too long ago"])  # fmt: skip
async def test_without_a_fresh_second_factor_nobody_signs_in_person(market: Market, proof: dict[str, Any]):
    buyer, contract = await drafted(market)
    if proof.pop("late", False):
        proof = {"authenticated_at": market.bench.clock.now() - STEP_UP_LIFETIME - timedelta(seconds=1)}
    refused = await sign(market, stepped_up(market, buyer, **proof), contract)
    assert code(refused) == (401, "insufficient_user_authentication")
    assert 'acr_values="totp"' in refused.headers["WWW-Authenticate"]
    assert (await market.read(buyer, f"/contracts/{contract['id']}"))["signatures"] == []


async def test_what_is_signed_in_person_is_what_the_contract_says(market: Market):
    buyer, contract = await drafted(market)
    person = stepped_up(market, buyer)
    assert code(await sign(market, person, contract, terms_hash="ab" * 32)) == (409, "terms_differ")
    assert code(await sign(market, person, contract, key_id=KeyId.new())) == (422, "malformed")
    assert code(await sign(market, person, contract, terms_hash=None)) == (422, "malformed")
    assert (await sign(market, person, contract)).status_code == 201
    assert code(await sign(market, person, contract)) == (409, "already_signed")


async def test_the_database_takes_no_signature_by_both_or_by_neither(market: Market):
    buyer, contract = await drafted(market)
    row: dict[str, Any] = {
        "contract_id": contract["id"], "side": "buyer", "participant_id": buyer.participant_id,
        "signed_at": market.bench.clock.now(), "key_id": None, "public_key": None, "signature": None, "user_id": None,
    }  # fmt: skip
    by_key = {"key_id": KeyId.new(), "public_key": "A", "signature": "B"}
    by_person = {"user_id": "user", "authenticated_by": "totp", "authenticated_at": market.bench.clock.now()}
    for parts in ({}, by_key | by_person, by_person | {"authenticated_at": None}, by_key | {"signature": None}):
        with pytest.raises(IntegrityError):
            async with market.trading.database.transaction() as tx:
                await tx.execute(insert(signatures).values(row | parts))
