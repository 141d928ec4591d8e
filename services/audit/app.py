"""What `audit` is made of."""

from functools import partial

from fastapi import FastAPI

from services.audit import jobs
from services.audit.actions import audit as parts
from services.audit.api import router
from services.audit.rules import retention
from shared import web
from shared.core import Core
from shared.guard import Doors
from shared.sealing import MasterKey
from shared.signing import SigningKey

BATCH_BYTES_MAX = 16 * 1024 * 1024  # the relay's batch, with every quote of its lines escaped


def build(core: Core) -> FastAPI:
    """Requires the log's key in the settings: audit alone holds it. Raises RetentionTooShort for terms that are
    shorter than the law's."""
    key = SigningKey.from_pem(core.settings.require_secret("log_key"))
    terms, secret = retention.policy(core.settings.retention_days), core.settings.disclosure_key
    master_key = MasterKey(secret.get_secret_value(), b"yaosu disclosures") if secret else None
    audit = parts.compose(
        core.database, core.outbox, core.clock, core.settings.log_origin, key, terms, master_key,
        is_pruned=core.settings.log_pruning,
    )  # fmt: skip
    doors = Doors(core.settings.allowed_hosts, larger={"/audit/v1/batches": BATCH_BYTES_MAX})
    return web.application(core, router, audit, jobs=[partial(jobs.run, audit)], doors=doors)
