"""What one part of a content costs the database, when the door sends it: decided, charged and recorded all the same."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, event

from shared.ids import UseId
from shared.sqlite import Connection
from tests.delivery.desk import ONE_DATABASE, Desk, deal

turns = ContextVar[list[str] | None]("turns", default=None)  # of the request at hand, not of what is done beside it


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """What is asked of the database meanwhile: on SQLite each turn of its thread, on PostgreSQL each statement."""
    found: list[str] = []
    ask = Connection._execute  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType, reportUnknownVariableType]

    async def asking(self: Connection, function: Any, *arguments: Any) -> Any:
        if (noted := turns.get()) is not None:
            noted.append(function.__name__)
        return await ask(self, function, *arguments)  # pyright: ignore[reportUnknownVariableType]

    def note(connection: Any, _: Any, statement: str, *__: Any) -> None:
        if connection.dialect.name == "postgresql" and (noted := turns.get()) is not None:
            noted.append(statement.split()[0])

    monkeypatch.setattr(Connection, "_execute", asking)
    event.listen(Engine, "before_cursor_execute", note)
    token = turns.set(found)
    try:
        yield found
    finally:
        turns.reset(token)
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_part_is_decided_and_recorded_together(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.app.state.service = replace(desk.depot, hands_over=True)
    buyer, entitlement_id, _ = await deal(desk)
    use_id = UseId.new()
    first = await desk.fetch(buyer, entitlement_id, use_id, Range="bytes=0-99")  # reads what never changes
    with counted(monkeypatch) as found:
        answer = await desk.fetch(buyer, entitlement_id, use_id, Range="bytes=100-199")
    assert "X-Accel-Redirect" in first.headers and "X-Accel-Redirect" in answer.headers
    # On SQLite: how far the use is, with the beginning of the transaction; the delivery with its facts; the commit.
    # On PostgreSQL: the use for oneself, and how far it is; the delivery with its facts. The stripe, which is asked in
    # the driver's own words, is one more and does not tell itself here.
    assert found in (["_found", "_found", "commit"], ["SELECT"] * 2 + ["WITH"])
    started, ended = await desk.facts("delivery_started"), await desk.facts("delivery_ended")
    assert [fact["first_byte"] for fact in started] == [0, 100]
    assert [fact["delivery_id"] for fact in ended] == [fact["delivery_id"] for fact in started]


async def test_what_a_part_needs_is_asked_anew_for_each(desk: Desk):
    """What is known of a content is kept; whether it may be had, and whether it is there, never."""
    desk.app.state.service = replace(desk.depot, hands_over=True)
    buyer, entitlement_id, version_id = await deal(desk)
    use_id = UseId.new()
    assert (await desk.fetch(buyer, entitlement_id, use_id)).is_success
    content = desk.depot.inspected[version_id].content_id
    assert content
    await desk.depot.content.delete(content)
    gone = await desk.fetch(buyer, entitlement_id, use_id)
    assert (gone.status_code, gone.json()["code"]) == (409, "content_missing")
    assert len(await desk.facts("delivery_started")) == 1


@ONE_DATABASE
@pytest.mark.parametrize("headers", [
    {"Use_Id": "use_1"}, {"Use_Id": ""}, {"Use_Id": "entitlement_" + "0" * 32}, {"Purpose": ""},
    {"Purpose": "Research"}, {"Purpose": "a" * 41},
], ids=["short", "empty", "another kind", "no purpose", "a large letter", "too long"])  # fmt: skip
async def test_headers_that_cannot_be_read_are_told_as_those_of_any_route(desk: Desk, headers: dict[str, str]):
    """What the quick way does not read is left to the ordinary one, as for a look at the same content."""
    buyer, entitlement_id, _ = await deal(desk)
    looked = await desk.fetch(buyer, entitlement_id, method="HEAD", **headers)
    answer = await desk.fetch(buyer, entitlement_id, **headers)
    assert (answer.status_code, looked.status_code) == (422, 422) and not desk.counter.used
    [error] = answer.json()["errors"]
    assert error["loc"] == ["header", next(iter(headers)).lower().replace("_", "-")]


@ONE_DATABASE
async def test_a_path_or_query_that_cannot_be_read_is_refused(desk: Desk):
    buyer, entitlement_id, _ = await deal(desk)
    path = f"/delivery/v1/entitlements/{entitlement_id}/content"
    for asked, code in ((f"{path}?part=1", "unknown_parameter"), (path.replace("entitlement_", "order_"), "malformed")):
        answer = await desk.bench.ask("GET", buyer, asked)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not desk.counter.used
