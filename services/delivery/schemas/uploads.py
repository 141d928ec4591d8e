"""What crosses the wire about uploads."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.upload import Reason, State, Upload
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
    id: UploadId
    version_id: VersionId
    media_type: str
    bytes: int
    content_hash: str
    file_name: str | None
    state: State
    reason_code: Reason | None
    deadline: datetime | None
    next_actor: str | None

    @classmethod
    def of(cls, upload: Upload) -> Self:
        return cls.model_validate(upload)
