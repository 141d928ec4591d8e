"""Who may ask for what, walked over HTTP on a whole market: against a table by hand, and that against the rules.

Nothing here is taken from the permissions of the code: `matrix_by_hand.py` says each answer, and that is held to
`matrix_of_the_rules.py` by `test_matrix_by_hand.py`.
"""

import json
import logging
import re
import shutil
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from httpx2 import Response
from sqlalchemy import select

from services.audit.tables import entries
from services.demo.shelves import BETA, PASSWORD
from tests.journeys.matrix_by_hand import BY_HAND, Line
from tests.support.clock import ToldClock
from tests.support.doors import READS, Door, contents, doors
from tests.support.furnished import (
    BUDGET_OF_INQUIRY,
    BUDGET_OF_NEED,
    MAXIMUM,
    MISTYPED,
    RESERVE,
    SECOND_PASSWORD,
    TEXTS,
    WITHOUT_OBJECT,
    furnish,
)
from tests.support.walk import CALLERS, ENDLESS, ID, STRANGERS, Walked, ask, ids_of, walk
from tests.support.whole import WholeMarket, whole_market
from tests.support.write import id_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300), pytest.mark.xdist_group("matrix")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[WholeMarket]:
    """One for all, in this order: whatever changes things comes last."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "market").mkdir()
    for service, file in files.items():
        shutil.copyfile(file, folder / "market" / f"{service}.db")
    async with whole_market(folder, ToldClock()) as market:
        await furnish(market)
        yield market


NOBODYS = {"content_hash": "f" * 64, "index": "999999999"}
INDEX = re.compile('"index":[0-9]+,')


def things_of_others(market: WholeMarket) -> list[dict[str, str]]:
    """Ids of what there is, with an asset that nobody is shown instead, and with one that was taken back."""
    return [ids_of(market) | hidden for hidden in market.things["hidden"]]


def secrets_of(line: Line) -> list[str]:
    """The strangers to whom a line says that there is nothing, where there is something to somebody."""
    return (
        []
        if "." not in line.answers.values()
        else [caller for caller in (*STRANGERS, "arbiter") if line.answers[caller] == "n"]
    )


async def test_there_is_one_of_every_kind_but_those_that_are_said_to_be_missing(market: WholeMarket):
    """Without an object of a kind, what is told of it to strangers is not tried."""
    named = {name for door in doors() for name in door.in_path if name.endswith("_id")}
    assert named - ids_of(market).keys() == WITHOUT_OBJECT


async def test_what_is_not_ones_own_is_told_like_what_is_not_there(market: WholeMarket):
    """T-01, T-25: another's, one that was taken back, and nobody's, in the path: the same bytes, the same headers."""
    before, compared, wrong = await contents(market), 0, list[object]()
    for door in doors():
        if not door.in_path or door.name == ENDLESS:
            continue
        for caller in secrets_of(BY_HAND[door.name]):
            told = [await ask(market, door, caller, ids) for ids in (*things_of_others(market), NOBODYS)]
            assert {response.status_code for response in told} == {404}, (door.name, caller)
            if len({as_told(response) for response in told}) > 1:
                wrong.append((door.name, caller, *map(as_told, told)))
            compared += 1
    assert compared > 150 and not wrong, wrong
    assert await contents(market) == before


async def test_an_asset_that_nobody_is_shown_is_told_like_one_that_is_not_there(market: WholeMarket):
    """Where others' assets show, a draft does not, nor one that was taken back: to the very buyer of the others."""
    before, compared, wrong = await contents(market), 0, list[object]()
    for door in doors():
        if {"asset_id", "version_id"}.isdisjoint(door.in_path):
            continue
        for caller in ("anonymous", "buyer", "other_buyer", "other_provider", "suspended"):
            if BY_HAND[door.name].answers[caller] in "uf":
                continue
            told = {as_told(await ask(market, door, caller, ids)) for ids in (*things_of_others(market), {})}
            compared += 1
            if len(told) > 1:
                wrong.append((door.name, caller, told))
    assert compared > 30 and not wrong, wrong
    assert await contents(market) == before


def as_told(response: Response) -> str:
    """All that is told but the request's own id and place in its caller's quota, and the index that was asked for."""
    told = INDEX.sub("", response.text.replace(response.headers["X-Request-Id"], ""))
    own = dict.fromkeys(("x-request-id", "content-length", "ratelimit"))
    return json.dumps([response.status_code, told, {**response.headers, **own}])


ANYTHING = "POST /trading/v1/complaints"  # which takes what anyone says of anything, and tells nothing of it
# Kinds of which nobody sees another's, wherever they are named; what is offered on the market shows by its grade.
PRIVATE = {
    "quote", "order", "contract", "access_request", "upload", "dispute", "offer", "key", "user", "client",
    "revenue_share",
}  # fmt: skip


def named_in_bodies(door: Door) -> Iterator[str]:
    """The kinds of private things that the body of a write names."""
    for body in (door.write.body, *door.write.others) if door.method not in READS else ():
        yield from {found[1] for found in ID.finditer(json.dumps(body)) if found[1] in PRIVATE}


async def test_a_body_or_a_query_that_names_anothers_is_answered_as_if_it_named_nobodys(
    market: WholeMarket,
):
    before, compared, wrong = await contents(market), set[str](), list[object]()
    others = things_of_others(market)[0]
    for door in doors():
        if door.name in {ENDLESS, ANYTHING}:
            continue
        for caller in ("other_buyer", "other_provider"):
            if BY_HAND[door.name].answers[caller] in "uf":
                continue
            for kind in named_in_bodies(door):
                nobodys = {name: thing for name, thing in others.items() if name != f"{kind}_id"}
                told = [as_told(await ask(market, door, caller, ids)) for ids in (others, nobodys)]
                if told[0] != told[1]:
                    wrong.append((door.name, caller, kind, *told))
                compared.add(f"{door.name} {kind}")
            for name in in_query(door) & others.keys():
                given = (others[name], id_of(name.removesuffix("_id")))
                told = [as_told(await ask(market, door, caller, others, {name: thing})) for thing in given]
                if told[0] != told[1]:
                    wrong.append((door.name, caller, name, *told))
                compared.add(f"{door.name} ?{name}")
    assert len(compared) > 12 and not wrong, (len(compared), wrong)
    assert await contents(market) == before


def in_query(door: Door) -> set[str]:
    return {each.alias for each in door.route.dependant.query_params if each.alias.endswith("_id")}


DEAL = "buyer provider"
# Who may be told what: the operator for the log reads why things were asked and decided, as the log has it.
MAY_BE_TOLD = {
    str(RESERVE): "", str(MAXIMUM): "buyer", str(BUDGET_OF_NEED): "buyer", str(BUDGET_OF_INQUIRY): "buyer",
    TEXTS["contact"]: "business regulator", TEXTS["narrative"]: "business regulator",
    TEXTS["statement"]: DEAL, TEXTS["evidence"]: DEAL, TEXTS["objection"]: f"{DEAL} audit regulator",
    TEXTS["termination"]: f"{DEAL} audit regulator", TEXTS["request"]: f"{DEAL} business audit regulator",
    TEXTS["declaration"]: "provider audit regulator", TEXTS["valuation"]: "provider audit regulator",
    TEXTS["scope"]: "provider business audit regulator", TEXTS["lowering"]: "provider business audit regulator",
    TEXTS["regrading"]: "provider business audit regulator", TEXTS["case"]: "regulator audit",
    TEXTS["redaction"]: "business system security audit regulator", "second@demo": "buyer", f"{BETA}@demo": "suspended",
    PASSWORD: "", SECOND_PASSWORD: "", MISTYPED: "",
}  # fmt: skip


def told_to_nobody(market: WholeMarket) -> list[str]:
    """Keys, passwords of staff, secrets of programs and services, and everyone's tokens."""
    settings = market.inside.cores["identity"].settings
    named = (settings.token_key, settings.log_key, settings.certificate_key, settings.custodian_signing_key)
    keys = [secret.get_secret_value().split("\n")[1] for secret in named if secret]
    secrets = [secret.get_secret_value() for secret in settings.service_secrets.values()]
    log_ins = json.loads((market.folder / "market" / "keys" / "development-log-ins.json").read_text())
    tokens = [told.removeprefix("Bearer ") for who in market.people.values() for told in who.headers().values()]
    passwords = [log_in["password"] for log_in in log_ins]
    return [*keys, *secrets, *passwords, *tokens, market.things["client"]["client_secret"]]


async def strangers_see_no_order(market: WholeMarket) -> None:
    for door in doors():
        if door.name in {"GET /trading/v1/orders/{order_id}", "GET /trading/v1/orders/{order_id}/objections"}:
            for caller in ("other_buyer", "other_provider", "suspended"):
                assert (await ask(market, door, caller, ids_of(market))).status_code == 404
        if door.name == "GET /trading/v1/orders":
            for caller in ("other_buyer", "other_provider", "suspended"):
                assert (await ask(market, door, caller, {})).json()["items"] == []


def everyones(_: object) -> None:
    """What should have been whose."""


async def test_p_13_planted_a_query_without_its_tenant(market: WholeMarket, monkeypatch: pytest.MonkeyPatch):
    await strangers_see_no_order(market)
    monkeypatch.setattr("services.trading.api.orders.party_of", everyones)
    with pytest.raises(AssertionError):
        await strangers_see_no_order(market)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def walked(market: WholeMarket) -> Walked:
    """Comes last, for it changes things: everyone does what they may."""
    said = Said()
    logging.getLogger().addHandler(said)
    try:
        walked = await walk(market)
    finally:
        logging.getLogger().removeHandler(said)
    market.things["said"] = said.lines
    return walked


class Said(logging.Handler):
    """Whatever the services say to their operator, with all that it carries."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines = list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {record.__dict__}")


async def test_each_caller_is_answered_as_the_table_by_hand_says(walked: Walked):
    wrong = [
        f"{route}: {caller} got {walked.answers[route][caller]}, not {line.answers[caller]}"
        for route, line in BY_HAND.items()
        for caller in CALLERS
        if walked.answers[route][caller] != line.answers[caller]
    ]
    assert not wrong, "\n".join(wrong)


async def test_no_canary_is_told_to_whoever_may_not_know_it(market: WholeMarket, walked: Walked):
    """T-04, T-39. Of all that everyone was answered in the walk, refusals too."""
    secrets = MAY_BE_TOLD | dict.fromkeys(told_to_nobody(market), "")
    told = {caller: "\n".join(heard) for caller, heard in walked.heard.items()}
    wrong = [
        f"{secret} was told to {caller}"
        for secret, knowing in secrets.items()
        for caller in CALLERS
        if secret in told[caller] and caller not in knowing.split()
    ]
    assert not wrong, "\n".join(wrong)
    heard = {secret for secret, knowing in MAY_BE_TOLD.items() if any(secret in told[who] for who in knowing.split())}
    assert MAY_BE_TOLD.keys() - heard == {secret for secret, knowing in MAY_BE_TOLD.items() if not knowing}


async def test_no_canary_stands_in_the_log_or_is_said_to_an_operator(market: WholeMarket, walked: Walked):
    """Of the log, entries as they are kept; of what is said, messages with all that they carry."""
    assert walked.answers
    await market.settle()
    async with market.inside.cores["audit"].database.read() as tx:
        written = b"".join(await tx.scalars(select(entries.c.leaf))).decode()
    never = [*told_to_nobody(market), PASSWORD, SECOND_PASSWORD, MISTYPED, "second@demo", f"{BETA}@demo"]
    sealed = [
        str(MAXIMUM),
        str(RESERVE),
        str(BUDGET_OF_NEED),
        str(BUDGET_OF_INQUIRY),
        TEXTS["contact"],
        TEXTS["evidence"],
    ]
    assert len(written) > 100_000 and not [secret for secret in never + sealed if secret in written]
    said = "\n".join(market.things["said"])
    assert not [secret for secret in (*never, *sealed, *TEXTS.values()) if secret in said]
