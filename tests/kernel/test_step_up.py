"""Acts that bind an organisation take a fresh second factor where the settings say so (RFC 9470)."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from jose import jwt
from sqlalchemy import MetaData

from shared import outbox, web
from shared.access import ALGORITHM, AUDIENCE, TYPE, Caller
from shared.permission import AccountCloser, Buyer, Lister, RulingArbiter, Signatory
from shared.routing import Router
from shared.settings import Settings
from tests.support.bench import ISSUER, Bench, Person
from tests.support.clock import ToldClock

METADATA = MetaData()
outbox.tables(METADATA)
router = Router(prefix="/catalog/v1")
DSN = "postgresql+asyncpg://user@host/yaosu"
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # no table is asked here


@router.get("/sign")
async def sign(_: Signatory) -> None: ...


@router.get("/list")
async def list_(_: Lister) -> None: ...


@router.get("/rule")
async def rule(_: RulingArbiter) -> None: ...


@router.get("/close")
async def close(_: AccountCloser) -> None: ...


@router.get("/look")
async def look(_: Buyer) -> None: ...


@dataclass
class Hall:
    bench: Bench
    buyer: Person
    provider: Person
    arbiter: Person
    security: Person

    async def get(self, person: Person, route: str, kind: str = "user", **claims: Any) -> Response:
        now = int(self.bench.clock.now().timestamp())
        subject = person.subject.replace("user_", f"{kind}_")
        body: dict[str, Any] = {
            "iss": self.bench.settings.issuer, "aud": AUDIENCE, "sub": subject, "client_id": subject, "iat": now,
            "roles": sorted(person.roles), "jti": "token_1", "exp": now + 600,
        }  # fmt: skip
        body |= {"org": person.participant_id} if person.participant_id else {}
        told = {"auth_time": now - claims.pop("ago")} if "ago" in claims else {}
        key = ISSUER._key  # pyright: ignore[reportPrivateUsage]
        token = jwt.encode(body | told | claims, key, ALGORITHM, headers={"typ": TYPE, "kid": ISSUER.key_id})
        headers = {"Authorization": f"Bearer {token}"}
        return await self.bench.ask("GET", None, f"/catalog/v1/{route}", headers=headers)


@pytest.fixture
async def hall(bench: Bench, request: pytest.FixtureRequest) -> AsyncGenerator[Hall]:
    step_up: Any = getattr(request, "param", "required")
    bench.settings = bench.settings.model_copy(update={"step_up": step_up})
    core = await bench.core("catalog", METADATA)
    async with bench.serve(catalog=web.application(core, router, None)):
        buyer, provider = await bench.member("buyer"), await bench.member("provider")
        yield Hall(bench, buyer, provider, bench.staff("arbiter"), bench.staff("operator_security"))


@on_sqlite
async def test_a_password_alone_does_not_sign_and_the_challenge_says_what_does(hall: Hall):
    refused = await hall.get(hall.buyer, "sign", acr="password", ago=0)
    assert (refused.status_code, refused.json()["code"]) == (401, "insufficient_user_authentication")
    assert (refused.json()["acr_values"], refused.json()["max_age_seconds"]) == (["totp"], 600)
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer realm="yaosu", error="insufficient_user_authentication", '
        'error_description="This takes a fresh proof of who you are, by more than a password.", '
        'acr_values="totp", max_age="600"'
    )


@on_sqlite
@pytest.mark.parametrize("claims, status", [
    ({"acr": "totp", "ago": 0},      200),
    ({"acr": "totp", "ago": 600},    200),
    ({"acr": "totp", "ago": 601},    401),
    ({"acr": "totp"},                401),
    ({"ago": 0},                     401),
    ({"acr": "TOTP", "ago": 0},      401),
    ({"acr": "", "ago": 0},          401),
    ({"amr": "totp", "ago": 0},      401),
    ({"amr": "private_key_jwt"},     401),  # which only a program can have proven itself by
])  # fmt: skip
async def test_a_second_factor_counts_for_ten_minutes(hall: Hall, claims: dict[str, Any], status: int):
    answer = await hall.get(hall.buyer, "sign", **claims)
    assert answer.status_code == status
    assert answer.is_success or answer.json()["code"] == "insufficient_user_authentication"


@on_sqlite
@pytest.mark.parametrize("claims", [
    {"acr": 1, "ago": 0}, {"acr": ["totp"], "ago": 0}, {"acr": None}, {"acr": "totp", "auth_time": "1"},
    {"acr": "totp", "auth_time": True}, {"acr": "totp", "auth_time": 1.5}, {"acr": "totp", "auth_time": None},
    {"acr": "totp", "auth_time": 10**18}, {"acr": "totp", "auth_time": -(10**18)},
])  # fmt: skip
async def test_a_claim_of_another_kind_makes_no_token(hall: Hall, claims: dict[str, Any]):
    for route in ("sign", "look"):
        answer = await hall.get(hall.buyer, route, **claims)
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@on_sqlite
async def test_whoever_may_not_at_all_is_not_asked_for_more_proof(hall: Hall):
    for person, route in ((hall.buyer, "list"), (hall.provider, "rule"), (hall.arbiter, "sign")):
        answer = await hall.get(person, route, acr="password", ago=0)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_role")


@on_sqlite
async def test_each_act_takes_it_of_those_of_whom_the_matrix_does(hall: Hall):
    both = replace(hall.buyer, roles=frozenset({"buyer", "operator_security"}))
    expected = {
        ("sign", hall.buyer): 401, ("list", hall.provider): 401, ("rule", hall.arbiter): 401,
        ("close", hall.buyer): 401, ("close", hall.security): 200, ("close", both): 200, ("look", hall.buyer): 200,
    }  # fmt: skip
    for (route, person), status in expected.items():
        assert (await hall.get(person, route, acr="password", ago=0)).status_code == status, route
        assert (await hall.get(person, route, acr="totp", ago=0)).status_code == 200, route


@on_sqlite
async def test_a_program_proves_itself_by_its_own_key_and_not_by_a_secret_that_it_shares(hall: Hall):
    answers = [await hall.get(hall.buyer, "sign", kind="client", amr=by) for by in ("private_key_jwt", "secret")]
    answers.append(await hall.get(hall.buyer, "sign", kind="client", acr="totp", ago=0))
    assert [answer.status_code for answer in answers] == [200, 401, 401]


@on_sqlite
@pytest.mark.parametrize("hall", [None, "off"], indirect=True)
async def test_nothing_more_is_asked_where_it_is_not_required(hall: Hall):
    assert (await hall.get(hall.buyer, "sign", acr="password", ago=0)).status_code == 200


@pytest.mark.parametrize("environment, told, required", [
    ("development", None, False), ("development", "required", True), ("production", None, True),
    ("production", "off", False),
])  # fmt: skip
def test_it_is_required_in_production_unless_said_otherwise(
    environment: Any, told: Any, required: bool, tmp_path: Path
):
    settings = Settings(
        environment=environment, step_up=told, issuer="https://market.example/identity", var=tmp_path,
        database_url=DSN,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    assert settings.requires_step_up is required


def test_a_caller_of_whom_nothing_is_told_is_not_stepped_up(clock: ToldClock):
    nobody, late = Caller("user_1", "user", frozenset()), clock.now() - timedelta(minutes=10, microseconds=1)
    assert not nobody.is_stepped_up(clock.now())
    assert not replace(nobody, acr="totp", authenticated_at=late).is_stepped_up(clock.now())
