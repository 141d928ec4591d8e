"""Inspections drawn by lot (双随机)."""

from fastapi import Response

from services.audit.actions import sampling as samplings
from services.audit.api.service import PREFIX, AuditService
from services.audit.schemas.cases import NewSampling, SamplingView
from shared.idempotency import Keyed
from shared.ids import SamplingId
from shared.permission import Regulator
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/samplings", status_code=201)
async def commit_sampling(
    new: NewSampling, regulator: Regulator, once: Keyed, audit: AuditService, response: Response
) -> SamplingView:  # fmt: skip
    """Have subjects and inspectors drawn by lot 双随机. The log first signs both lists and the hash of a seed."""
    sampling = await samplings.commit(audit, regulator, new.plan(), once)
    created(response, f"{PREFIX}/samplings/{sampling.id}")
    return SamplingView.of(sampling)


@router.get("/samplings")
async def listed_samplings(_: Regulator, audit: AuditService, page: PageQuery) -> Listing[SamplingView]:
    """Every sampling, oldest first."""
    found = await samplings.listed(audit, page)
    return Listing[SamplingView].of([SamplingView.of(each) for each in found], page, lambda sampling: sampling.id)


@router.get("/samplings/{sampling_id}")
async def seen_sampling(sampling_id: SamplingId, _: Regulator, audit: AuditService) -> SamplingView:
    """A sampling; once drawn, with the seed and what else it takes to draw it again."""
    return SamplingView.of(await samplings.seen(audit, sampling_id))
