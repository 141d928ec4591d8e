"""What crosses the wire about uploads."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.upload import Phase, Progress, Reason, State, Upload
from shared import web
from shared.ids import UploadId, VersionId

INTEGER_MAX = 2**53 - 1


class NewUpload(web.Request):
    """A file that will be sent. `content_hash`: its SHA-256, 64 lowercase hex digits."""

    version_id: VersionId
    media_type: Annotated[str, Field(max_length=100)]
    bytes: Annotated[int, Field(ge=1, le=INTEGER_MAX)]
    content_hash: Annotated[str, Field(max_length=64)]
    file_name: Annotated[str, Field(max_length=255)] | None = None


class UploadView(web.View):
    """`reason_line`: where in the file the reason shows. `phase`, `percent`: of an inspection at work."""

    id: UploadId
    version_id: VersionId
    media_type: str
    bytes: int
    content_hash: str
    file_name: str | None
    state: State
    reason_code: Reason | None
    reason_line: int | None
    deadline: datetime | None
    next_actor: str | None
    phase: Phase | None = None
    percent: int | None = None

    @classmethod
    def of(cls, upload: Upload, progress: Progress | None = None) -> Self:
        view = cls.model_validate(upload)
        told = {"phase": progress.phase, "percent": progress.percent} if progress else {}
        return view.model_copy(update=told)
