"""What crosses the wire about samples."""

from shared import web
from shared.grades import Sample
from shared.ids import VersionId


class SampleView(web.View):
    """Rows as text, null where there is no value; drawn by the platform, the same for everyone who may see them."""

    version_id: VersionId
    kind: Sample
    fields: list[str]
    rows: list[list[str | None]]
