"""What stands behind a commitment goes to the keeper of the log, once, after its fact, and stays nowhere else."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select, update

from shared.disclosing import disclosures_table
from shared.facts import commit
from shared.outbox import facts_table
from tests.identity.conftest import ON_ONE_DATABASE, Desk
from tests.identity.test_log_in import refusals


class Keeper:
    """Stands in for the keeper of the log: takes what it is told, or refuses it with a problem."""

    def __init__(self, desk: Desk) -> None:
        self.told: list[dict[str, Any]] = []
        self.problem: tuple[int, str] | None = None
        app = FastAPI()
        desk.core.directory.register("audit", app)

        @app.post("/audit/v1/disclosures")
        async def take(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
            self.told.append(await request.json())
            if self.problem is None:
                return JSONResponse({"index": 0, "name": "login"}, 201)
            status, code = self.problem
            problem = {"type": f"/problems/{code}", "title": code, "status": status, "code": code}
            return JSONResponse(problem, status, media_type="application/problem+json")


async def waiting(desk: Desk) -> list[str]:
    async with desk.core.database.read() as tx:
        return list(await tx.scalars(select(disclosures_table.c.value)))


async def acknowledge(desk: Desk) -> None:
    """As the relay does when the log has the facts."""
    async with desk.core.database.transaction() as tx:
        await tx.execute(update(facts_table).values(log_index=facts_table.c.seq))


async def test_a_users_name_is_disclosed_once_the_log_has_its_fact(desk: Desk):
    keeper = Keeper(desk)
    await desk.log_in("SECURITY", "a wrong pass phrase")
    await desk.identity.disclosures.tell()
    assert (await waiting(desk), keeper.told) == (["security"], []), "the log does not have the fact yet"
    await acknowledge(desk)
    await desk.identity.disclosures.tell()
    [fact], [told] = await refusals(desk), keeper.told
    assert (told["fact_id"], told["value"], told["purpose"]) == (fact.id, "security", "security")
    assert told["subject"] == fact.data["user_id"]
    assert commit("login", told["value"], bytes.fromhex(told["salt"])).hex == (fact.pd or {})["login"]
    await desk.identity.disclosures.tell()
    assert (await waiting(desk), len(keeper.told)) == ([], 1)


@ON_ONE_DATABASE
async def test_a_name_that_nobody_has_is_kept_nowhere(desk: Desk):
    await desk.log_in("my secret password", "a wrong pass phrase")
    assert await waiting(desk) == []


@ON_ONE_DATABASE
@pytest.mark.parametrize("problem, left", [
    ((409, "not_in_the_log_yet"), 1), ((503, "database_busy"), 1), ((409, "field_erased"), 0),
    ((422, "commitment_not_opened"), 0), ((404, "no_disclosures_kept"), 0),
])  # fmt: skip
async def test_what_may_still_be_taken_waits_and_what_never_will_is_forgotten(
    desk: Desk, problem: tuple[int, str], left: int
):
    keeper = Keeper(desk)
    keeper.problem = problem
    await desk.log_in("security", "a wrong pass phrase")
    await acknowledge(desk)
    await desk.identity.disclosures.tell()
    assert len(await waiting(desk)) == left and keeper.told
