"""What must never be told stands nowhere in what is told, however much of a market has happened."""

import base64
import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from httpx2 import AsyncClient, Response
from pydantic import SecretStr
from sqlalchemy import select

from services.audit.tables import entries
from services.demo import bidding, data, deals, shelves
from services.demo.shelves import ALPHA, BETA, GAMMA, NAMES, PASSWORD
from shared.metrics import Joined
from shared.signing import CODE_SECONDS, code_at
from tests.support.clock import ToldClock
from tests.support.lines import lines_of_the_log
from tests.support.traced import KeptTraces
from tests.support.whole import WholeMarket, whole_market

TRIED_IN_VAIN = ("zhang.san@demo", "a pass phrase that was mistyped")


async def leaves_of(market: WholeMarket) -> bytes:
    await market.settle()
    async with market.inside.cores["audit"].database.read() as tx:
        return b"".join(await tx.scalars(select(entries.c.leaf)))


def people_of_the_data_set() -> dict[str, str]:
    """Names alone would be found by chance: a family name and a word make many of them."""
    rows = csv.DictReader(io.StringIO(data.persons_csv().decode()))
    return {row[column]: row[column] for row in rows for column in ("身份证号", "手机号", "地址")}


async def fail_to_log_in(client: AsyncClient) -> None:
    login, password = TRIED_IN_VAIN
    form = {"grant_type": "password", "username": login, "password": password}
    assert (await client.post("/identity/v1/token", data=form)).status_code in (400, 401)


class Refusals:
    """Every refusal that anybody is told, with its headers."""

    def __init__(self) -> None:
        self.told = list[str]()

    async def hear(self, response: Response) -> None:
        if response.is_error:
            await response.aread()
            self.told.append(f"{response.text}\n{dict(response.headers)}")


@pytest.mark.timeout(300)  # a whole market, on a machine that may be busy
async def test_no_person_and_no_secret_stands_in_the_log_in_clear(tmp_path: Path, clock: ToldClock):
    """I-44. Nor in what is told beside it: in lines, traces, numbers and refusals."""
    kept, refusals = KeptTraces(), Refusals()
    with lines_of_the_log() as lines:
        async with whole_market(tmp_path, clock, traces=kept.traces) as market:
            market.client.event_hooks["response"].append(refusals.hear)
            secrets = await sell_all(market, clock)
            by_which_one_is_known = await credentials_of(market) | keys_of(market)
            for secret in by_which_one_is_known.values():
                await betray(market.client, secret)
            entries_told = (await leaves_of(market)).decode()
            numbers = Joined([each.metrics for each in market.inside.observers]).exposed("")[0].decode()
    spans = "".join(told.said for told in kept.spans())
    assert "POST /trading/v1/auctions/{auction_id}/bids" in spans and "batch bids" in spans
    assert '"route": "/trading/v1/auctions/{auction_id}/bids"' in lines.getvalue()
    assert 'yaosu_batch_items_count{batch="bids",service="trading"} 2.0' in numbers
    assert len(by_which_one_is_known) >= 20 and len(refusals.told) > 6 * 20
    secrets |= by_which_one_is_known
    told = {
        "entries": entries_told, "lines": lines.getvalue(), "traces": spans, "numbers": numbers,
        "refusals": "".join(refusals.told),
    }  # fmt: skip
    assert not {(name, where) for name, secret in secrets.items() for where, text in told.items() if secret in text}


async def credentials_of(market: WholeMarket) -> dict[str, str]:
    """One of everything by which somebody is known, each of them used."""
    alpha, gamma = market.people[ALPHA], market.people[GAMMA]
    form = {"grant_type": "password", "username": f"{ALPHA}@demo", "password": PASSWORD}
    session = (await market.client.post("/identity/v1/token", data=form)).json()
    program = await alpha.post("/identity/v1/clients", {"name": "program", "roles": ["buyer"]})
    form = {"grant_type": "client_credentials"} | {name: program[name] for name in ("client_id", "client_secret")}
    programs = (await market.client.post("/identity/v1/token", data=form)).json()
    invited = await alpha.post("/identity/v1/invitations", {"roles": ["buyer"], "is_administrator": False})
    enrolled = await gamma.post("/identity/v1/me/second-factor", {"password": PASSWORD})
    [secret] = parse_qs(urlsplit(str(enrolled["otpauth_uri"])).query)["secret"]
    step = int(market.clock.now().timestamp()) // CODE_SECONDS
    code = code_at(base64.b32decode(secret + "=" * (-len(secret) % 8)), step)
    confirmed = await gamma.post("/identity/v1/me/second-factor/confirm", {"code": code})
    staff = json.loads((market.folder / "market" / "keys" / "development-log-ins.json").read_text())
    return {
        "access token": session["access_token"], "refresh token": session["refresh_token"],
        "secret of a program": program["client_secret"], "token of a program": programs["access_token"],
        "token of a service": await market.inside.cores["delivery"].tokens.token("trading"),
        "invitation": invited["token"], "second factor": secret, "recovery code": confirmed["recovery_codes"][0],
        **{f"password of {each['login']}": each["password"] for each in staff},
    }  # fmt: skip


def keys_of(market: WholeMarket) -> dict[str, str]:
    """Every secret of the settings; of what has lines, one that shows that it is this."""
    found = dict[str, str]()
    for core in market.inside.cores.values():
        settings = core.settings
        named = {name: getattr(settings, name) for name in type(settings).model_fields}
        several = {f"service_secret of {name}": secret for name, secret in settings.service_secrets.items()}
        found |= {
            name: max(value.get_secret_value().splitlines(), key=len)
            for name, value in (named | several).items()
            if isinstance(value, SecretStr)
        }
    assert {"token_key", "identity_key", "log_key"} <= found.keys()
    return found


async def betray(client: AsyncClient, secret: str) -> None:
    """Put a secret wherever somebody may by mistake: each time it is refused."""
    orders, tokens = "/trading/v1/orders", "/identity/v1/token"
    bearer = {"Authorization": f"Bearer {quote(secret)}x"}
    told = [
        await client.get(orders, headers=bearer),
        await client.get(orders, params={secret: secret}),
        await client.get(f"{orders}/{quote(secret, safe='')}"),
        await client.post("/trading/v1/complaints", json={"note": secret}, headers={"Idempotency-Key": "a" * 32}),
        await client.post(tokens, data={"grant_type": "password", "username": secret, "password": secret}),
        await client.post(tokens, data={"grant_type": "refresh_token", "refresh_token": f"{secret}x"}),
    ]
    assert all(400 <= answer.status_code < 500 for answer in told), [answer.text for answer in told]


async def sell_all(market: WholeMarket, clock: ToldClock) -> dict[str, str]:
    """One sale after the other, and the log of it looked through. Returns what must be found nowhere."""
    await shelves.open_market(market)
    await shelves.admit_participants(market)
    await fail_to_log_in(market.client)
    await shelves.upload_content(market)
    await shelves.grade_versions(market)
    await shelves.register_assets(market)
    await deals.refuse_raw_persons(market)
    await bidding.open_auction(market, clock.now() + timedelta(days=2))
    await bidding.pay_in(market)
    await bidding.register_bidders(market)
    assert str(bidding.RESERVE).encode() not in await leaves_of(market)  # a bid that reaches it will show it
    for who, maximum in ((ALPHA, bidding.SECOND_MAXIMUM), (BETA, bidding.WINNING_MAXIMUM)):
        body = {"maximum": {"minor": maximum, "currency": "CNY"}}
        await market.people[who].post(f"/trading/v1/auctions/{market.things['auction']}/bids", body)
    before_the_close = await leaves_of(market)
    assert b"trading.bid_placed" in before_the_close
    assert str(bidding.WINNING_MAXIMUM).encode() not in before_the_close

    await market.advance(days=2)
    market.report["auction"] = {}
    await shelves.log_in_again(market)
    for step in (bidding.close, deals.sign_contract, deals.pay, deals.receive, deals.accept, deals.settle):
        await step(market)
        await market.settle()
    await deals.sell_desensitised_persons(market)
    told = (await leaves_of(market)).decode()
    for act in (
        "identity.log_in_refused",
        "trading.auction_closed",
        "trading.order_settled",
        "delivery.delivery_ended",
    ):
        assert f'"act":"{act}"' in told
    log_ins = {f"{who}@demo" for who in NAMES}
    return {secret: secret for secret in (PASSWORD, *TRIED_IN_VAIN, *log_ins)} | people_of_the_data_set()
