"""Payouts over HTTP: one person up to the limit of a day, two beyond it, and every fen once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.identity.events.accounts import UserCreated, UserDisabled
from services.identity.rules.role import Role
from services.trading.tables.payouts import payout_proposals
from shared.ids import ApiClientId, UserId
from tests.support.bench import Bench, ParticipantSuspended, Person
from tests.trading.freezing import frozen
from tests.trading.market import Market, a_market, code, yuan
from tests.trading.money.books import books_of
from tests.trading.money.test_races import RACERS, come_to_rest, raced
from tests.trading.money.test_refunds_over_http import pay_out

PROPOSALS = "/wallet/payout-proposals"
LIMIT = 5_000_000
ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def colleague_of(person: Person) -> Person:
    return replace(person, subject=UserId.new())


async def propose(market: Market, who: Person, minor: int) -> Response:
    return await market.post(who, PROPOSALS, {"amount": yuan(minor)})


async def decide(market: Market, who: Person, proposed: Mapping[str, Any], how: str = "approval") -> Response:
    return await market.post(who, f"{PROPOSALS}/{proposed['id']}/{how}")


async def proposed(market: Market, minor: int, has: int = 2 * LIMIT) -> tuple[Person, dict[str, Any]]:
    buyer = await market.buyer(has)
    return buyer, (await propose(market, buyer, minor)).json()


async def see(market: Market, who: Person, thing: Mapping[str, Any]) -> dict[str, Any]:
    return await market.read(who, f"{PROPOSALS}/{thing['id']}")


@ON_SQLITE
async def test_one_person_pays_out_up_to_the_limit_and_not_a_fen_more(market: Market):
    buyer = await market.buyer(2 * LIMIT)
    answer = await pay_out(market, buyer, LIMIT + 1)
    assert code(answer) == (409, "payout_needs_second")
    assert (answer.json()["limit_minor"], answer.json()["left_minor"]) == (LIMIT, LIMIT)
    assert (await pay_out(market, buyer, LIMIT - 1)).status_code == 201
    assert (await pay_out(market, buyer, 2)).json()["left_minor"] == 1
    assert (await pay_out(market, buyer, 1)).status_code == 201
    assert (await pay_out(market, colleague_of(buyer), 1)).json()["left_minor"] == 0, "the limit is the organisation's"
    assert await market.wallet(buyer) == (LIMIT, LIMIT)
    assert (await pay_out(market, await market.buyer(10), 1)).status_code == 201, "and no other's"


@ON_SQLITE
async def test_a_day_ends_at_midnight_in_beijing(market: Market):
    buyer, clock = await market.buyer(3 * LIMIT), market.bench.clock
    midnight = clock.now().replace(hour=16, minute=0, second=0, microsecond=0)
    midnight += timedelta(days=midnight <= clock.now())
    clock.advance(seconds=(midnight - clock.now()).total_seconds() - 0.001)
    await market.bench.refresh()
    assert (await pay_out(market, buyer, LIMIT)).status_code == 201
    assert code(await pay_out(market, buyer, 1)) == (409, "payout_needs_second")
    clock.advance(seconds=0.001)
    assert clock.now() == midnight
    assert (await pay_out(market, buyer, LIMIT)).status_code == 201
    assert code(await pay_out(market, buyer, 1)) == (409, "payout_needs_second")


@ON_SQLITE
async def test_what_the_custodian_refused_or_two_approved_uses_nothing_of_the_limit(market: Market):
    buyer = await market.buyer(3 * LIMIT)
    market.custodian.faults.append(("payout", "refused"))
    assert (await pay_out(market, buyer, LIMIT)).status_code == 201
    await market.tick()
    assert await market.wallet(buyer) == (3 * LIMIT, 0)
    made = (await propose(market, buyer, LIMIT)).json()
    assert (await decide(market, colleague_of(buyer), made)).is_success
    assert (await pay_out(market, buyer, LIMIT)).status_code == 201
    assert code(await pay_out(market, buyer, 1)) == (409, "payout_needs_second")


async def test_two_persons_pay_out_more_and_it_is_held_from_the_first_word_on(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    assert (made["state"], made["next_actor"], made["proposed_by"]) == ("proposed", "second_person", buyer.subject)
    assert await market.wallet(buyer) == (LIMIT - 1, LIMIT + 1)
    colleague = colleague_of(buyer)
    approved = (await decide(market, colleague, made)).json()
    assert (approved["state"], approved["decided_by"], approved["deadline"]) == ("approved", colleague.subject, None)
    instruction = await market.read(buyer, f"/instructions/{approved['instruction_id']}")
    assert (instruction["kind"], instruction["amount"]) == ("payout", yuan(LIMIT + 1))
    assert await market.wallet(buyer) == (LIMIT - 1, LIMIT + 1), "the same fen, held once"
    await come_to_rest(market)
    assert await market.wallet(buyer) == (LIMIT - 1, 0)
    assert market.custodian.book[str(buyer.participant_id)] == LIMIT - 1
    (await books_of(market)).check_at_rest()
    [told] = await market.facts("payout_proposed")
    assert (told["amount"], told["participant_id"]) == (yuan(LIMIT + 1), buyer.participant_id)
    assert [each["instruction_id"] for each in await market.facts("payout_approved")] == [instruction["id"]]


@ON_SQLITE
async def test_nobody_is_both_persons_and_a_program_is_neither(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    assert code(await decide(market, buyer, made)) == (409, "own_proposal")
    program = replace(buyer, subject=ApiClientId.new())
    assert code(await decide(market, program, made)) == (403, "persons_only")
    assert code(await propose(market, program, 1)) == (403, "persons_only")
    assert (await pay_out(market, program, LIMIT)).status_code == 409, "its organisation has not got so much left"
    assert (await pay_out(market, program, 1)).status_code == 201


@ON_SQLITE
@pytest.mark.parametrize("whose", ["own", "colleagues"])
async def test_a_refusal_frees_the_money_at_once(market: Market, whose: str):
    buyer, made = await proposed(market, LIMIT + 1)
    refused = await decide(market, buyer if whose == "own" else colleague_of(buyer), made, "refusal")
    assert (refused.json()["state"], refused.json()["reason_code"]) == ("refused", "refused")
    assert await market.wallet(buyer) == (2 * LIMIT, 0)
    assert code(await decide(market, colleague_of(buyer), made)) == (409, "illegal_move")
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_what_nobody_approves_in_three_days_is_free_again(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    await market.advance(days=3, seconds=-1)
    assert await market.wallet(buyer) == (LIMIT - 1, LIMIT + 1)
    market.bench.clock.advance(seconds=1)
    assert code(await decide(market, colleague_of(buyer), made)) == (409, "proposal_too_late")
    await market.tick()
    lapsed = await see(market, buyer, made)
    assert (lapsed["state"], lapsed["reason_code"], lapsed["decided_at"]) == (
        "lapsed",
        "not_approved",
        made["deadline"],
    )
    assert await market.wallet(buyer) == (2 * LIMIT, 0)
    (await books_of(market)).check_at_rest()


@ON_SQLITE
async def test_what_is_held_is_neither_proposed_nor_paid_out_again(market: Market):
    buyer, _ = await proposed(market, 2 * LIMIT)
    assert code(await propose(market, buyer, 1)) == (409, "insufficient_funds")
    assert code(await pay_out(market, buyer, 1)) == (409, "insufficient_funds")


@ON_SQLITE
async def test_an_organisation_of_one_is_told_the_way_out(market: Market):
    buyer = await market.buyer(2 * LIMIT)
    assert buyer.participant_id
    only = replace(buyer, subject=UserId.new())
    joined = partial(UserCreated, roles=frozenset({Role.BUYER}), participant_id=buyer.participant_id)
    await market.bench.announce(joined(UserId(only.subject), is_administrator=True))
    for act in (propose, pay_out):
        answer = await act(market, only, LIMIT + 1)
        assert code(answer) == (409, "no_second_person") and "invite" in answer.json()["detail"]
        assert (answer.json()["limit_minor"], answer.json()["left_minor"]) == (LIMIT, LIMIT)
    assert (await pay_out(market, only, LIMIT)).status_code == 201
    second = UserId.new()
    await market.bench.announce(joined(second, is_administrator=False))
    made = (await propose(market, only, 1)).json()
    assert (await decide(market, replace(only, subject=second), made)).is_success
    await market.bench.announce(UserDisabled(second))
    assert code(await propose(market, only, 1)) == (409, "no_second_person")


@ON_SQLITE
async def test_where_an_outside_provider_vouches_for_people_nobody_is_known_to_be_alone(bench: Bench):
    bench.settings = bench.settings.model_copy(update={"outside_issuer": "https://log-in.example"})
    async with a_market(bench) as market:
        buyer = await market.buyer(10)
        assert buyer.participant_id
        one = UserCreated(UserId.new(), frozenset({Role.BUYER}), True, buyer.participant_id)
        await bench.announce(one)
        assert (await propose(market, buyer, 1)).status_code == 201


@ON_SQLITE
async def test_an_operators_own_limit_holds_from_its_day_on(bench: Bench):
    limits = {date(2030, 1, 1): 100, date(2030, 1, 10): 0}
    bench.settings = bench.settings.model_copy(update={"payout_limits": limits})
    async with a_market(bench) as market:
        buyer = await market.buyer(1_000)
        assert code(await pay_out(market, buyer, 101)) == (409, "payout_needs_second")
        assert (await pay_out(market, buyer, 100)).status_code == 201
        await market.advance(days=9)
        assert code(await pay_out(market, buyer, 1)) == (409, "payout_needs_second")
        made = (await propose(market, buyer, 1)).json()
        assert (await decide(market, colleague_of(buyer), made)).is_success


@ON_SQLITE
async def test_another_organisations_proposal_looks_like_none(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    stranger = await market.buyer()
    for asked in (market.bench.get(stranger, f"/trading/v1{PROPOSALS}/{made['id']}"), decide(market, stranger, made),
                  decide(market, stranger, made, "refusal")):  # fmt: skip
        assert code(await asked) == (404, "no_such_payout_proposal")
    assert (await market.read(stranger, PROPOSALS))["items"] == []
    assert [each["id"] for each in (await market.read(buyer, PROPOSALS))["items"]] == [made["id"]]


@ON_SQLITE
async def test_a_frozen_wallet_pays_nothing_out_whoever_agrees(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    await frozen(market, "wallet", buyer.participant_id)
    assert code(await decide(market, colleague_of(buyer), made)) == (409, "frozen")
    assert code(await propose(market, buyer, 1)) == (409, "frozen")
    assert (await decide(market, buyer, made, "refusal")).is_success


@ON_SQLITE
async def test_a_suspended_organisation_approves_nothing_and_may_refuse(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    assert buyer.participant_id
    await market.bench.announce(ParticipantSuspended(buyer.participant_id, "under_investigation"))
    assert code(await decide(market, colleague_of(buyer), made)) == (403, "not_admitted")
    assert (await decide(market, colleague_of(buyer), made, "refusal")).is_success


@ON_SQLITE
async def test_the_same_word_sent_again_is_said_once(market: Market):
    buyer = await market.buyer(2 * LIMIT)
    first, again = [
        await market.post(buyer, PROPOSALS, {"amount": yuan(LIMIT + 1)}, "one-key-of-theirs") for _ in range(2)
    ]
    assert first.json() == again.json() and await market.wallet(buyer) == (LIMIT - 1, LIMIT + 1)
    path, colleague = f"{PROPOSALS}/{first.json()['id']}/approval", colleague_of(buyer)
    assert [(await market.post(colleague, path, None, "other-key-of-theirs")).json() for _ in range(2)][0][
        "state"
    ] == "approved"
    assert len((await books_of(market)).instructions) == 2  # the pay-in, and this


async def test_of_fifty_payouts_at_once_by_one_person_no_more_than_the_limit_goes_out(market: Market):
    buyer = await market.buyer(10 * LIMIT)
    found = await raced(*(partial(pay_out, market, buyer, LIMIT // 4 - turn % 2) for turn in range(RACERS)))
    assert found == {"done": 4, "payout_needs_second": RACERS - 4}
    available, held = await market.wallet(buyer)
    assert LIMIT - 4 <= held <= LIMIT and available + held == 10 * LIMIT
    await come_to_rest(market)
    (await books_of(market)).check_at_rest()


async def test_of_fifty_who_approve_refuse_and_propose_at_once_each_fen_goes_out_once(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    acts: tuple[Callable[[], Any], ...] = (
        lambda: decide(market, colleague_of(buyer), made), lambda: decide(market, buyer, made, "refusal"),
        lambda: propose(market, buyer, LIMIT - 1), lambda: pay_out(market, buyer, LIMIT - 1),
    )  # fmt: skip
    found = await raced(*(acts[turn % 4] for turn in range(RACERS)))
    assert set(found) <= {"done", "illegal_move", "insufficient_funds", "payout_needs_second"}
    first = await see(market, buyer, made)
    assert first["state"] in {"approved", "refused"}
    available, held = await market.wallet(buyer)
    assert available + held == 2 * LIMIT and available >= 0
    (await books_of(market)).check()
    await market.advance(days=4)
    await come_to_rest(market)
    (await books_of(market)).check_at_rest()


async def test_the_table_refuses_a_yes_of_whoever_proposed_and_one_of_nobody(market: Market):
    buyer, made = await proposed(market, LIMIT + 1)
    told = (await books_of(market)).instructions[0].id
    by_themselves: dict[str, str] = {"decided_by": buyer.subject, "instruction_id": told}
    for said in (by_themselves, {"instruction_id": told}, {"decided_by": UserId.new()}):
        with pytest.raises(IntegrityError):
            async with market.trading.database.transaction() as tx:
                where = payout_proposals.c.id == made["id"]
                await tx.execute(update(payout_proposals).where(where).values(state="approved", **said))
