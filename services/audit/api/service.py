"""What every endpoint of `audit` takes for granted."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.responses import StreamingResponse

from services.audit.actions.audit import Audit
from services.audit.schemas.log import INTEGER_MAX
from shared import web

PREFIX = "/audit/v1"
ObjectId = Annotated[str | None, Query(alias="object", max_length=100, pattern="^[a-z_]+_[0-9a-f]{32}$")]
AuditService = Annotated[Audit, Depends(web.service)]
Index = Annotated[web.Whole, Path(ge=0, le=INTEGER_MAX)]
Size = Annotated[web.Whole | None, Query(ge=0, le=INTEGER_MAX)]


def tar(members: AsyncGenerator[bytes]) -> StreamingResponse:
    headers = {"Content-Disposition": 'attachment; filename="yaosu-log.tar"'}
    return StreamingResponse(members, headers=headers, media_type="application/x-tar")
