"""Identity after its tables were set back to a backup: nobody's log-in of before is good, and everyone can log in."""

from services.identity.actions import recovery
from services.identity.app import build
from shared.core import core_of
from shared.rest import Directory
from tests.identity.conftest import CHEAP, Desk


async def test_no_token_and_no_session_of_before_is_good_after_a_restore(desk: Desk):
    before = (await desk.log_in("security")).json()
    assert (await desk.get_with(before["access_token"], "/me")).status_code == 200
    async with desk.core.database.transaction() as tx:
        epoch, ended = await recovery.begin_again(tx, desk.clock.now())
    core = core_of("identity", desk.core.settings, desk.clock, desk.core.database, Directory())
    app = build(core, hasher=CHEAP)
    await desk.core.outbox.release()
    async with app.router.lifespan_context(app):
        restored = Desk(core, app, desk.clock)
        keys = (await restored.get(None, "/identity/.well-known/jwks.json")).json()["keys"]
        assert ended == 1 and [key["kid"].partition(".")[2] for key in keys] == [str(epoch)]
        refused = await restored.get_with(before["access_token"], "/me")
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
        assert (await restored.refresh(before["refresh_token"])).status_code == 401
        after = (await restored.log_in("security")).json()
        assert (await restored.get_with(after["access_token"], "/me")).status_code == 200
        assert (await restored.refresh(after["refresh_token"])).status_code == 200
