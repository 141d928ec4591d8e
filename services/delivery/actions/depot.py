"""What the acts of `delivery` need."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from services.catalog.client import CatalogClient
from services.delivery.actions.lasting import Works
from services.delivery.actions.watch import EntitlementWatch
from services.delivery.rules.cube import Cube
from services.delivery.rules.upload import Limits, Upload
from services.delivery.sandbox import Inspector
from services.delivery.store.content import ContentStore
from services.trading.client import TradingClient
from shared.clock import Clock
from shared.database import Database
from shared.ids import ParticipantId, UploadId, VersionId
from shared.outbox import Outbox
from shared.standing import StandingMirror


@dataclass(frozen=True, slots=True)
class Depot:
    """`scratch` is a folder for files in the inspector's hands; nothing in it outlives its job."""

    database: Database
    outbox: Outbox
    clock: Clock
    standing: StandingMirror
    catalog: CatalogClient
    trading: TradingClient
    content: ContentStore
    inspector: Inspector
    watch: EntitlementWatch
    scratch: Path
    limits: Limits
    pseudonym_key: bytes = field(repr=False)
    # Whether a door stands before us that sends contents by itself, from the folder that they are in.
    hands_over: bool = False
    # What is known of versions that have content: it never changes (`inspected`).
    inspected: dict[VersionId, Upload] = field(default_factory=dict[VersionId, Upload])
    # One rendition at a time of each version in this process; the table decides between processes.
    making: defaultdict[VersionId, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    # How often each upload is being sent to this process just now.
    receiving: Counter[UploadId] = field(default_factory=Counter[UploadId])
    # Ends of deliveries that are being recorded: kept, because a cancelled request must not take them with it.
    endings: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    # Cubes that are being made, by the keys of their requests.
    cubes: Works[Cube] = field(default_factory=Works[Cube])
    # How many questions of each buyer are being computed in this process just now.
    asking: Counter[ParticipantId] = field(default_factory=Counter[ParticipantId])
