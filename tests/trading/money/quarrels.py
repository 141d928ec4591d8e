"""What ten parties do to one another beside buying and selling: they object, claim, argue, end contracts, are frozen.

Each act draws what it needs, and gives back the answer, or None where there is nothing to be done about.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from httpx2 import Response

from tests.support.bench import Person
from tests.trading.contracts.dealing import AGREED, REASONED
from tests.trading.dispute.court import EQUAL, NONCES, split
from tests.trading.freezing import asked
from tests.trading.market import Market, yuan
from tests.trading.test_credits import TERMS, missed

Told = dict[str, Any]
Deal = tuple[Person, Person, Told]  # who sells, who buys, and the order
INSPECTED = TERMS | {"inspection_days": 6, "answer_days": 2}
ARBITERS = 9
SHARES = (0, 1, 3_333, 5_000, 10_000)
REMEDIES = (list[str](), ["end_right"], ["redeliver"], ["suspend_right"])
RECENT = 6


@dataclass
class Quarrels:
    market: Market
    random: Random
    arbiters: dict[str, Person] = field(default_factory=dict[str, Person])
    disputes: list[tuple[Person, Person, str]] = field(default_factory=list[tuple[Person, Person, str]])

    async def appoint(self) -> None:
        security = self.market.bench.staff("operator_security")
        for _ in range(ARBITERS):
            arbiter = self.market.bench.staff("arbiter")
            await self.market.do(security, "/arbiters", {"arbiter_id": arbiter.subject, "ties": []})
            self.arbiters[arbiter.subject] = arbiter

    async def object_to(self, deal: Deal) -> Response:
        """Or go on with what was objected to: cure, concede, offer a part, take it."""
        seller, buyer, told = deal
        path = f"/orders/{told['id']}/objections"
        last = f"{path}/{len((await self.market.read(buyer, path))['items'])}"
        minor = self.random.randint(1, max(1, told["price"]["minor"]))
        match (await self.market.order(buyer, told))["state"]:
            case "objected":
                how, part = self.random.choice(
                    [("cure", dict[str, object]()), ("concession", {}), ("concession", {"refund": yuan(minor)})]
                )
                return await self.market.post(seller, f"{last}/{how}", part | {"reason": "补偿"})
            case "answered":
                return await self.market.post(buyer, f"{last}/{self.random.choice(['acceptance', 'refusal'])}")
            case _:
                body = {"grounds": [{"code": "unreadable"}], "claim": yuan(minor), "reason": "乱码"}
                return await self.market.post(buyer, path, body)

    async def claim(self, deal: Deal) -> Response:
        seller, buyer, told = deal
        claimant, category = self.random.choice([
            (buyer, "not_delivered"), (buyer, "not_as_described"), (buyer, "not_as_described"), (seller, "over_use"),
        ])  # fmt: skip
        price = told["price"]["minor"]
        minor = self.random.choice([0, 1, price // 3, price, price, price, price + 1])
        body: Told = {
            "order_id": told["id"], "category": category, "amount": yuan(minor), "statement": "字段缺失",
            "nonce": NONCES[0], "remedies": self.random.choice(REMEDIES),
        }  # fmt: skip
        answer = await self.market.post(claimant, "/disputes", body)
        if answer.is_success:
            respondent = seller if claimant is buyer else buyer
            self.disputes.append((claimant, respondent, answer.json()["id"]))
        return answer

    async def argue(self) -> Response | None:
        """What a dispute waits for, mostly; or what anyone may try at any time."""
        if not self.disputes:
            return None
        claimant, respondent, dispute_id = self.random.choice(self.disputes[-RECENT:])
        path = f"/disputes/{dispute_id}"
        seen = await self.market.read(respondent, path)
        if self.random.random() < 0.3:
            who, (act, body) = self.random.choice([claimant, respondent]), self.random.choice(self._always())
            return await self.market.post(who, f"{path}/{act}", body)
        match seen["state"]:
            case "open" | "response":
                admitted = self.random.choice([0, 0, seen["disputed"]["minor"] // 2])
                body = {"admitted": yuan(admitted), "statement": "字段齐全", "nonce": NONCES[1]}
                return await self.market.post(respondent, f"{path}/response", body)
            case "review" | "appeal":
                seated = seen["panels"][-1]["seated"]
                return await self._rule(self.arbiters[self.random.choice(seated)], path) if seated else None
            case "ruled":
                who = self.random.choice([claimant, respondent])
                return await self.market.post(who, f"{path}/appeal", {"nonce": NONCES[0]})
            case "evidence":
                return await self._wait(seen["deadline"])
            case _:
                return None

    async def end(self, deal: Deal) -> Response | None:
        """The contract, by agreement or not."""
        seller, buyer, told = deal
        path = f"/contracts/{told['contract_id']}/terminations"
        proposed = (await self.market.read(buyer, path))["items"]
        if not proposed or proposed[0]["state"] != "proposed":
            return await self.market.post(self.random.choice([buyer, seller]), path, REASONED)
        other = buyer if proposed[0]["next_actor"] == "buyer" else seller
        return await self.market.post(other, f"{path}/{proposed[0]['id']}/agreement", AGREED)

    async def freeze(self, deal: Deal) -> Response:
        """For some hours: an order, or all of whoever is a party to it."""
        scope, subject = self.random.choice([
            ("order", deal[2]["id"]), ("participant", deal[0].participant_id), ("wallet", deal[1].participant_id),
        ])  # fmt: skip
        first, second = self.market.bench.staff("regulator"), self.market.bench.staff("regulator")
        body = asked(self.market, scope, subject, days=self.random.randint(2, 40) / 24)
        proposed = await self.market.post(first, "/freezes", body)
        if not proposed.is_success:
            return proposed
        return await self.market.post(second, f"/freezes/{proposed.json()['id']}/confirmation")

    async def credit(self, deal: Deal) -> Response:
        """For a period in which the service was not there; or the provider's word on what was claimed."""
        seller, buyer, told = deal
        path = f"/orders/{told['id']}/credits"
        waiting = [each for each in (await self.market.read(buyer, path))["items"] if each["state"] == "claimed"]
        if waiting:
            how, body = self.random.choice([("confirmation", None), ("contestation", {"reason": "日志无中断"})])
            return await self.market.post(seller, f"/credits/{waiting[0]['id']}/{how}", body)
        return await self.market.post(buyer, path, missed(self.random.randint(1, 3)))

    async def _rule(self, arbiter: Person, path: str) -> Response:
        shares, fees = self.random.choice(SHARES), self.random.choice([EQUAL, split(0), split(10_000)])
        body: Told = {"split": split(shares), "fees": fees, "remedies": [], "reasons": f"理由 {shares}"}
        return await self.market.post(arbiter, f"{path}/ruling", body)

    async def _wait(self, deadline: str) -> None:
        """For what only time brings, but not so long that nothing else goes on."""
        left = datetime.fromisoformat(deadline) - self.market.bench.clock.now()
        await self.market.advance(seconds=min(left, timedelta(days=1)).total_seconds())

    def _always(self) -> list[tuple[str, Any]]:
        return [
            ("evidence", {"kind": "document", "content": f"证据 {self.random.random()}"}), ("withdrawal", None),
            ("settlement", {"split": split(self.random.choice([0, 5_000]))}),
        ]  # fmt: skip
