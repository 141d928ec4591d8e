"""What `trading` is made of."""

from functools import partial

from fastapi import FastAPI

from services.catalog.client import CatalogClient
from services.pricing.client import PricingClient
from services.trading import jobs
from services.trading.actions.bidding import Bidding
from services.trading.actions.evidence_log import NO_LOG, EvidenceLog
from services.trading.actions.ledger_check import LedgerCheck
from services.trading.actions.trading import Trading
from services.trading.actions.treasury import Treasury
from services.trading.api.router import router
from services.trading.custodian import Custodian
from services.trading.rules.market_rules import RULES
from shared import web
from shared.changes import FeedClient
from shared.commits import Commits
from shared.core import Core
from shared.guard import Doors
from shared.signing import public_key_of

BIDS = frozenset({"bids", "sealed-bids", "offers"})  # last words of paths: what is offered for a thing


def build(
    core: Core, *, catalog: CatalogClient, pricing: PricingClient, custodian: Custodian, log: EvidenceLog = NO_LOG
) -> FastAPI:
    """Without the custodian's public key in the settings, its callbacks are refused and it is only ever asked."""
    told_key = core.settings.custodian_public_key
    key = public_key_of(told_key) if told_key else None
    rules = RULES[core.settings.market_rules]
    treasury = Treasury(
        core.database, core.outbox, core.clock, core.standing, custodian, key,
        rules.payout.with_limits(core.settings.payout_limits), core.settings.outside_issuer is None,
    )  # fmt: skip
    trading = Trading(
        core.database, core.outbox, core.clock, core.standing, rules, catalog, pricing,
        FeedClient(core.peer("catalog")), treasury, Bidding(core.database, core.outbox, core.standing),
        Commits(core.database), log,
    )  # fmt: skip
    loops = [partial(jobs.run, trading, job) for job in jobs.JOBS if job is not jobs.close_auctions]
    own = [partial(jobs.run_closer, trading), partial(jobs.follow, trading)]
    if core.observer:
        own.append(partial(jobs.check_ledger, LedgerCheck(core.database, core.clock, core.observer.metrics)))
    doors = Doors(core.settings.allowed_hosts, bids=BIDS)
    return web.application(core, router, trading, jobs=[*loops, *own], doors=doors)
