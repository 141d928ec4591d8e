"""The life of an upload, and what is refused before a byte is read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import pytest

from services.delivery.rules import upload as rules
from services.delivery.rules.upload import (
    DECLARED,
    EXPIRED,
    INSPECTED,
    RECEIVED,
    REFUSED,
    UPLOAD,
    BadContentHash,
    BadFileName,
    FormatNotTaken,
    Limits,
    NothingToReceive,
    QuotaExceeded,
    Reason,
    Upload,
    UploadExpired,
    UploadTooLarge,
)
from shared.ids import ContentId, ParticipantId, UploadId, VersionId
from shared.lifecycle import IllegalMove

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CONTENT = b"a,b\n1,2\n"
HASH = sha256(CONTENT).hexdigest()
LIMITS = Limits(bytes_max=1000, quota_bytes=1500)


def declared(**changes: object) -> Upload:
    parts: dict[str, object] = {
        "media_type": "text/csv", "bytes_declared": len(CONTENT), "content_hash": HASH, "file_name": "航班.csv",
        "bytes_kept": 0, "limits": LIMITS, "now": NOW,
    }  # fmt: skip
    ids = (UploadId.new(), VersionId.new(), ParticipantId.new())
    return rules.declare(*ids, **(parts | changes))  # pyright: ignore[reportArgumentType]


def received() -> Upload:
    return rules.receive(declared(), ContentId.new(), bytes_received=len(CONTENT), content_hash=HASH, now=LATER)


def test_a_file_that_is_what_was_declared_waits_for_its_inspection():
    upload = received()
    assert (upload.state, upload.next_actor, upload.revision) == (RECEIVED, "platform", 2)
    assert rules.inspected(upload).state is INSPECTED


@pytest.mark.parametrize("bytes_received, content_hash, reason", [
    (0,  HASH,      Reason.EMPTY),
    (7,  HASH,      Reason.TRUNCATED),
    (9,  HASH,      Reason.LONGER_THAN_DECLARED),
    (8,  "0" * 64,  Reason.HASH_MISMATCH),
])  # fmt: skip
def test_another_content_than_the_declared_one_is_refused(bytes_received: int, content_hash: str, reason: Reason):
    upload = rules.receive(
        declared(), ContentId.new(), bytes_received=bytes_received, content_hash=content_hash, now=LATER
    )
    assert (upload.state, upload.reason_code, upload.deadline) == (REFUSED, reason, None)


@pytest.mark.parametrize("changes, error", [
    ({"media_type": "application/zip"},          FormatNotTaken),
    ({"media_type": "text/CSV"},                 FormatNotTaken),
    ({"bytes_declared": 1001},                   UploadTooLarge),
    ({"bytes_declared": 600, "bytes_kept": 901}, QuotaExceeded),
    ({"content_hash": HASH.upper()},             BadContentHash),
    ({"content_hash": HASH[:63]},                BadContentHash),
    ({"file_name": "a" * 201},                   BadFileName),
    ({"file_name": ""},                          BadFileName),
    ({"file_name": "../passwd"},                 BadFileName),
    ({"file_name": "C:\\data.csv"},              BadFileName),
    ({"file_name": "a\r\nSet-Cookie: b"},        BadFileName),
    ({"file_name": "invoice\u202efdp.csv"},      BadFileName),
])  # fmt: skip
def test_refused_declarations(changes: dict[str, object], error: type[Exception]):
    with pytest.raises(error):
        declared(**changes)


def test_exactly_the_limits_are_taken():
    assert declared(bytes_declared=1000, bytes_kept=500).state is DECLARED


def test_content_is_taken_until_just_before_the_deadline():
    upload = declared()
    assert upload.deadline
    rules.check_receivable(upload, upload.deadline - timedelta(microseconds=1))
    with pytest.raises(UploadExpired):
        rules.check_receivable(upload, upload.deadline)


def test_content_is_taken_once():
    with pytest.raises(NothingToReceive):
        rules.check_receivable(received(), LATER)


@pytest.mark.parametrize("upload, state, reason", [
    (declared(), EXPIRED, Reason.NOT_RECEIVED),
    (received(), REFUSED, Reason.INSPECTION_LIMIT),
])  # fmt: skip
def test_no_upload_waits_for_ever(upload: Upload, state: rules.State, reason: Reason):
    over = rules.pass_deadline(upload)
    assert (over.state, over.reason_code, over.next_actor) == (state, reason, None)


@pytest.mark.parametrize("state", [state for state in rules.State if not UPLOAD.moves[state]])
def test_nothing_leaves_an_end(state: rules.State):
    over = replace(declared(), state=state)
    for act in (rules.inspected, rules.pass_deadline, partial(rules.refuse, reason=Reason.EMPTY)):
        with pytest.raises(IllegalMove):
            act(over)


def test_open_states_have_a_next_actor_and_ends_have_none():
    assert set(rules.NEXT_ACTOR) == set(UPLOAD.open_states())
