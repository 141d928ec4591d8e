"""What people write beside what they do."""

from typing import Annotated

from pydantic import Field

Words = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


LegalBasis = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


ReasonCode = Annotated[str, Field(pattern="^[a-z][a-z_]{0,63}$")]
