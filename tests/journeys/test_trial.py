"""What the trial of a market of containers adds to the demo's story: the whole of it takes an engine, `make trial`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from httpx2 import AsyncClient, ConnectError, MockTransport, Request, Response

from services.demo import people, shelves, story, trial
from services.demo.people import Person, Refused
from tests.support.clock import ToldClock
from tests.support.whole import whole_market

PATH, KEY = "/trading/v1/orders", {"Idempotency-Key": "the-same-key"}
Answer = Response | Exception


def patient(answers: list[Answer], seen: list[Request]) -> AsyncClient:
    """A client whose requests are answered so, one after the other."""

    def answer(request: Request) -> Response:
        seen.append(request)
        told = answers[len(seen) - 1]
        if isinstance(told, Exception):
            raise told
        return told

    transport = trial.Patient(verify=False)
    transport._asked = MockTransport(answer)  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    return AsyncClient(transport=transport, base_url="http://market")


def away() -> Response:
    return Response(503)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "WAIT_SECONDS", 0)


@pytest.mark.parametrize("first", [away, lambda: ConnectError("nobody there")], ids=["away", "nobody"])
async def test_what_has_a_key_is_asked_again_with_the_same(first: Callable[[], Answer]):
    seen: list[Request] = []
    async with patient([first(), away(), Response(201)], seen) as client:
        assert (await client.post(PATH, json={"a": 1}, headers=KEY)).status_code == 201
    assert [request.headers["Idempotency-Key"] for request in seen] == [KEY["Idempotency-Key"]] * 3
    assert len({request.content for request in seen}) == 1


async def test_what_has_no_key_is_not_asked_again():
    seen: list[Request] = []
    async with patient([away(), Response(200)], seen) as client:
        assert (await client.post("/identity/v1/token", data={"grant_type": "password"})).status_code == 503
    assert len(seen) == 1


async def test_who_stays_away_is_told_as_away_in_the_end():
    seen: list[Request] = []
    async with patient([away()] * trial.TRIES, seen) as client:
        assert (await client.get(PATH)).status_code == 503
    assert len(seen) == trial.TRIES


def test_the_trial_tells_the_whole_story_and_kills_while_there_is_bidding():
    for killed in (None, "trading"):
        assert [name for name, _, _ in trial.steps_with(killed)] == [name for name, _, _ in story.STEPS]
    own = {step for _, _, step in trial.steps_with(None)} - {step for _, _, step in story.STEPS}
    assert own == {trial.open_market, trial.list_airports, trial.receive_by_the_door, trial.verify_with_its_witness}
    otherwise = set(trial.steps_with("trading")) - set(trial.steps_with(None))
    assert [name for name, _, _ in otherwise] == ["bidding"]


def test_settings_are_read_as_they_were_written(tmp_path: Path):
    (tmp_path / ".env").write_text("ONE='a b'\nPEM='-----BEGIN\nabc\n-----END'\nLAST='{\"a\": 1}'\n")
    assert trial.settings_in(tmp_path / ".env") == {
        "ONE": "a b", "PEM": "-----BEGIN\nabc\n-----END", "LAST": '{"a": 1}',
    }  # fmt: skip


async def test_whoever_needs_a_second_factor_enrols_it_at_the_first_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = ToldClock()
    monkeypatch.setattr(people, "SystemClock", lambda: clock)
    async with whole_market(tmp_path, clock) as market:
        object.__setattr__(market.inside.apps["identity"].state.service, "second_factor_required_of", "staff")
        market.in_production = True
        log_ins = json.loads((tmp_path / "market/keys/development-log-ins.json").read_text())
        password = next(each["password"] for each in log_ins if each["login"] == "security")
        person = market.people["security"] = Person("security", market.client)
        await person.log_in("security", password)
        with pytest.raises(Refused):
            await person.get("/identity/v1/participants")
        await market.first_log_in(person, "security", password)
        await market.settle()
        await shelves.admit(market, shelves.AVIATION)
        assert (await person.get("/identity/v1/participants"))["items"][0]["status"] == "admitted"
