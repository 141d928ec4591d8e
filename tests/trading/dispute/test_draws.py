"""Who is drawn: nobody who reviewed what is in dispute, and, where a side is silent, by the log's own checkpoint."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.trading.actions import dispute as actions
from services.trading.rules.arbiter_draw import Nonces, commitment, drawn
from shared.ids import DisputeId, FactId, UserId
from tests.trading.dispute.court import NONCES, Court, a_court
from tests.trading.dispute.test_other_ends import ToldLog, connect
from tests.trading.market import Market

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
ROOT = "7f" * 32


class Asked(ToldLog):
    """A log that remembers over which facts it was asked for a checkpoint."""

    def __init__(self, root: str | None) -> None:
        super().__init__()
        self.root, self.asked = root, list[FactId]()

    async def beacon(self, fact_id: FactId) -> str | None:
        self.asked.append(fact_id)
        return self.root


def reviewed_by(court: Court, *reviewers: str) -> None:
    court.market.neighbours.reviewers[court.order["version_id"]] = list(reviewers)


def drawn_again(dispute: dict[str, Any], number: int = 1) -> list[UserId]:
    told = dispute["panels"][number - 1]
    nonces = Nonces(told["nonces"]["claimant"], told["nonces"]["respondent"])
    among = [UserId(each) for each in told["eligible"]]
    of = (DisputeId(dispute["id"]), number, nonces, among, told["beacon"])
    return list(drawn(told["seed"], commitment(told["seed"]), *of))[: len(told["seated"])]


async def test_whoever_graded_or_registered_the_version_is_in_no_draw(market: Market):
    court = await a_court(market)
    reviewer, *others = sorted(court.arbiters)
    reviewed_by(court, reviewer, "catalog")
    dispute = await court.heard()
    assert dispute["panels"][0]["eligible"] == others and dispute["panels"][0]["beacon"] is None
    (arbiter,) = court.seated(dispute)
    assert (await court.rule(arbiter, dispute, 5_000)).is_success
    for who in (court.buyer, court.provider):
        assert (await court.appeal(who, dispute)).is_success
    again = (await court.see(dispute))["panels"][1]
    assert again["eligible"] == [each for each in others if each != arbiter.subject]


async def test_if_only_reviewers_are_left_nobody_sits(market: Market):
    court = await a_court(market, arbiters=2)
    reviewed_by(court, *court.arbiters)
    dispute = await court.open()
    assert (await court.respond(dispute)).json()["panels"] == []
    for _ in range(3):
        await court.pass_deadline(dispute)
    seen = await court.see(dispute)
    assert (seen["state"], seen["rulings"][0]["grounds"]) == ("enforced", "no_arbiter")


async def test_for_a_silent_side_the_draw_waits_for_the_first_checkpoint_over_the_notice(market: Market):
    court, log = await a_court(market), Asked(None)
    connect(market, log)
    dispute = await court.open()
    await court.pass_deadline(dispute)
    seen = await court.see(dispute)
    assert (seen["state"], seen["panels"]) == ("evidence", [])
    log.root = ROOT
    await court.pass_deadline(dispute)
    seen = await court.see(dispute)
    assert (seen["state"], seen["panels"][0]["beacon"]) == ("review", ROOT)
    assert seen["panels"][0]["nonces"] == {"claimant": NONCES[0], "respondent": ""}
    assert seen["panels"][0]["seated"] == drawn_again(seen)
    (told,) = await market.facts("arbiters_drawn")
    assert told["beacon"] == ROOT
    (opened,) = await market.facts("dispute_opened")
    assert set(log.asked) == {opened["notice_fact_id"]}


async def test_a_dispute_in_which_both_spoke_asks_the_log_for_nothing(market: Market):
    court, log = await a_court(market), Asked(None)
    connect(market, log)
    seen = await court.heard()
    assert (log.asked, seen["panels"][0]["beacon"]) == ([], None)
    assert seen["panels"][0]["seated"] == drawn_again(seen)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "never"])
async def test_an_appeal_that_one_side_pays_for_waits_some_days_for_a_checkpoint_over_it(market: Market, late: bool):
    court, log = await a_court(market), Asked(None)
    connect(market, log)
    dispute = await court.heard()
    (arbiter,) = court.seated(dispute)
    assert (await court.rule(arbiter, dispute, 5_000)).is_success
    assert (await court.appeal(court.buyer, dispute)).is_success
    await court.pass_deadline(dispute)
    waiting = await court.see(dispute)
    assert (waiting["state"], waiting["next_actor"], len(waiting["panels"])) == ("appeal", "respondent", 1)
    deadline = datetime.fromisoformat(waiting["deadline"])
    market.bench.clock.set(deadline + timedelta(days=7) - timedelta(microseconds=1))
    await market.bench.refresh()
    await market.tick()
    assert (await court.see(dispute))["state"] == "appeal"
    if late:
        market.bench.clock.advance(seconds=1)
        await market.bench.refresh()
    else:
        log.root = ROOT
    await market.tick()
    seen = await court.see(dispute)
    if late:
        assert (seen["state"], len(seen["panels"])) == ("enforced", 1)
        return
    assert (seen["state"], seen["panels"][1]["beacon"], len(seen["panels"][1]["seated"])) == ("appeal", ROOT, 3)
    assert seen["panels"][1]["seated"] == drawn_again(seen, 2)
    (opened,) = await market.facts("dispute_opened")
    assert log.asked and opened["notice_fact_id"] not in log.asked


async def test_silence_needs_no_neighbour_and_no_checkpoint(market: Market):
    court, log = await a_court(market), Asked(None)
    connect(market, log)
    dispute = await court.open(remedies=[])
    await court.see(dispute, court.provider)
    market.neighbours.reviewers["asked"] = []
    await actions.pass_deadline(market.trading, DisputeId(dispute["id"]))
    await court.pass_deadline(dispute)
    assert ((await court.see(dispute))["state"], log.asked) == ("defaulted", [])
