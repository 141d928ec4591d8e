"""Without the second lock, which SQLite has not, a stranger who knows an entitlement's id learns nothing of its use."""

import pytest

from shared.grades import Mode
from tests.delivery.desk import ONE_DATABASE, Desk, deal
from tests.delivery.made_files import PLACES

pytestmark = ONE_DATABASE


@pytest.mark.parametrize("name, mode", [("deliveries", Mode.RAW), ("queries", Mode.API)])
async def test_a_strangers_list_stays_empty_whatever_they_name(desk: Desk, name: str, mode: Mode):
    buyer, entitlement_id, _ = await deal(desk, PLACES, mode=mode)
    if mode is Mode.RAW:
        await desk.fetch(buyer, entitlement_id)
    else:
        await desk.bench.post(buyer, f"/delivery/v1/entitlements/{entitlement_id}/rows", {"limit": 7})
    for path in (f"/delivery/v1/{name}", f"/delivery/v1/{name}?entitlement_id={entitlement_id}"):
        assert len((await desk.bench.get(buyer, path)).json()["items"]) == 1
        for stranger in (await desk.bench.member("buyer"), await desk.bench.member("provider")):
            assert (await desk.bench.get(stranger, path)).json()["items"] == []
