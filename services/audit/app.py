"""What `audit` is made of."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from services.audit import jobs
from services.audit.actions import audit as parts
from services.audit.actions.monitor import Monitor
from services.audit.actions.telling import LogNumbers
from services.audit.actions.witnessing import read_policy
from services.audit.api.router import router
from services.audit.rules import retention
from services.audit.rules.checkpoint import VerifierKey
from services.audit.rules.snapshot import Cadence
from shared import web
from shared.core import Core
from shared.database import Database
from shared.guard import Doors
from shared.rest import Directory
from shared.sealing import MasterKey
from shared.signing import SigningKey

BATCH_BYTES_MAX = 16 * 1024 * 1024  # the relay's batch, with every quote of its lines escaped


def build(core: Core, witnesses: Directory | None = None) -> FastAPI:
    """Requires the log's key in the settings: audit alone holds it. `witnesses`: where they are in tests. Raises
    RetentionTooShort for terms that are shorter than the law's."""
    key, next_one = SigningKey.from_pem(core.settings.require_secret("log_key")), core.settings.log_key_next
    origin, path = core.settings.log_origin, core.settings.log_policy
    policy = read_policy(path, VerifierKey(origin, key.public)) if path else None
    every = timedelta(seconds=core.settings.index_snapshot_seconds)
    cadence = Cadence(every, core.settings.index_snapshot_entries)
    terms, secret = retention.policy(core.settings.retention_days), core.settings.disclosure_key
    master_key = MasterKey(secret.get_secret_value(), b"yaosu disclosures") if secret else None
    audit = parts.compose(
        core.database, core.outbox, core.clock, origin, key, policy, witnesses, cadence,
        terms=terms, master_key=master_key, is_pruned=core.settings.log_pruning,
        following=SigningKey.from_pem(next_one.get_secret_value()) if next_one else None,
        overlap=timedelta(days=core.settings.log_key_overlap_days),
    )  # fmt: skip
    reading_url = core.settings.monitor_database_url
    url = reading_url.get_secret_value() if reading_url else core.database.url
    monitor = Monitor(audit, Database(url, schema=core.name, clock=core.clock))
    doors = Doors(core.settings.allowed_hosts, larger={"/audit/v1/batches": BATCH_BYTES_MAX})
    own = [partial(jobs.run, audit), partial(jobs.run_maps, audit), partial(jobs.watch, monitor)]
    if core.observer:
        own.append(partial(jobs.tell, LogNumbers(audit, core.observer.metrics)))
    return web.application(core, router, audit, jobs=own, doors=doors)
