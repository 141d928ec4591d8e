"""What a backup is: a folder of files, and the manifest that says what each must be.

Promises: a folder is a backup once its manifest is there, which is written last; a file that is not as the manifest
says is named. Secrets are no part of it: which settings the market needs is said, and nothing of what they are.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.settings import Settings

NAME = "manifest.json"
READ_BYTES = 1024 * 1024


class NotABackup(RuntimeError):
    """This folder is no backup, or not the one that was made. The message names what is wrong."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptFile(Part):
    """A file of the backup, by its path in the folder."""

    path: str = Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Stripe(Part):
    """The last fact of a stripe."""

    number: int
    seq: int
    hash: str


class Tables(Part):
    """A service's tables: their file, their revision, and how far its facts reach."""

    file: KeptFile
    revision: str
    stripes: list[Stripe]


class LogHead(Part):
    """How far the log reaches, and what was signed of it last, as a note."""

    origin: str
    size: int
    root: str
    epoch: int
    checkpoint: str | None


class Contents(Part):
    """`place`: the bucket that the contents are in. They are listed then, and not copied."""

    place: str | None
    files: list[KeptFile]


class Manifest(Part):
    format: Literal[1]
    made_at: datetime
    services: dict[str, Tables]
    log: LogHead
    contents: Contents
    needs: list[str]  # the settings without which what is in here cannot be read or gone on with


def needed(settings: Settings) -> list[str]:
    """The settings that hold keys of this market, by the names that an operator knows them by."""
    keys = ("token_key", "identity_key", "log_key", "disclosure_key", "certificate_key", "custodian_signing_key",
            "pseudonym_key", "service_secrets")  # fmt: skip
    return [f"YAOSU_{name.upper()}" for name in keys if getattr(settings, name)]


def measured(folder: Path, path: str) -> KeptFile:
    """The file as it is."""
    digest, size = hashlib.sha256(), 0
    with (folder / path).open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return KeptFile(path=path, bytes=size, sha256=digest.hexdigest())


def write(folder: Path, manifest: Manifest) -> None:
    """Make the folder a backup. Requires that all of its files are on the disk."""
    part = folder / f"{NAME}.part"
    part.write_text(manifest.model_dump_json(indent=2) + "\n")
    on_disk(part)
    part.rename(folder / NAME)
    on_disk(folder)


def read(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all as it says. Raises NotABackup."""
    try:
        manifest = Manifest.model_validate_json((folder / NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise NotABackup(f"{folder} has no manifest that can be read: {type(error).__name__}") from error
    files = [tables.file for tables in manifest.services.values()]
    for told in [*files, *([] if manifest.contents.place else manifest.contents.files)]:
        if not (folder / told.path).is_file():
            raise NotABackup(f"{told.path} is missing")
        if measured(folder, told.path) != told:
            raise NotABackup(f"{told.path} is not the file that was backed up")
    return manifest


def on_disk(path: Path) -> None:
    """Wait until a file, or what stands in a folder, is there for good."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
