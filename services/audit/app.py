"""What `audit` is made of."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from services.audit import jobs
from services.audit.actions import audit as parts
from services.audit.api import router
from services.audit.rules.snapshot import Cadence
from shared import web
from shared.core import Core
from shared.guard import Doors
from shared.signing import SigningKey

BATCH_BYTES_MAX = 16 * 1024 * 1024  # the relay's batch, with every quote of its lines escaped


def build(core: Core) -> FastAPI:
    """Requires the log's key in the settings: audit alone holds it."""
    key = SigningKey.from_pem(core.settings.require_secret("log_key"))
    told = core.settings
    cadence = Cadence(timedelta(seconds=told.index_snapshot_seconds), told.index_snapshot_entries)
    audit = parts.compose(core.database, core.outbox, core.clock, told.log_origin, key, cadence)
    doors = Doors(core.settings.allowed_hosts, larger={"/audit/v1/batches": BATCH_BYTES_MAX})
    return web.application(
        core, router, audit, jobs=[partial(jobs.run, audit), partial(jobs.run_maps, audit)], doors=doors
    )
