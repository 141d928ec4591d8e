"""What the inspector does with a file, by the job: profile it, sample it, write it masked or in columns, measure it, or
query it.

Promises: the answer is a value, whatever the file: no exception of a parser leaves.
Requires: a process that may be lost (see `limits.py`); in the service itself only for files of our own making.
Imports at once what every job takes, and the rest with the job that takes it: a child pays for each library anew.
"""

from collections.abc import Callable

import duckdb

from services.delivery.inspector import magic
from services.delivery.inspector.measuring import measure
from services.delivery.inspector.messages import (
    Answer,
    Desensitise,
    Inspect,
    Job,
    Measure,
    Refusal,
    Refused,
    RunQuery,
    Source,
    TakeSample,
    WriteColumns,
)
from services.delivery.inspector.progress import Tell, silent
from services.delivery.inspector.query import answer, answer_from
from services.delivery.inspector.reading import Check, Table, opened
from services.delivery.inspector.rewriting import desensitise, sample, write_columns
from services.delivery.rules.upload import MediaType, Reason

Act = Callable[[Tell], Answer]


def perform(job: Job, tell: Tell = silent) -> Answer:
    """The answer to a job; its steps are told meanwhile.

    A file that breaks the tools is refused like any other that is not taken.
    """
    return prepared(job)(tell)


def prepared(job: Job) -> Act:
    """What performs the job. All that it takes is imported by now: under the limits a library may not load."""
    act = _query(job) if isinstance(job, RunQuery) else _reading(job)

    def answering(tell: Tell) -> Answer:
        try:
            return act(tell)
        except Refusal as refusal:
            return refusal.refused
        except (duckdb.Error, MemoryError, RecursionError, OSError):
            return Refused(Reason.INSPECTION_LIMIT)

    return answering


def _reading(job: Inspect | TakeSample | Desensitise | Measure | WriteColumns) -> Act:
    check, find = _check(job.source), _finding(job)

    def act(tell: Tell) -> Answer:
        with opened(job.source, check, tell) as table:
            return find(table, tell)

    return act


def _check(source: Source) -> Check | None:
    if source.media_type is MediaType.PARQUET and source.inspected:
        return None
    from services.delivery.inspector.columns import checked

    return checked


def _finding(job: Inspect | TakeSample | Desensitise | Measure | WriteColumns) -> Callable[[Table, Tell], Answer]:
    match job:
        case Inspect():
            from services.delivery.inspector.profile import profile

            return lambda table, tell: profile(table, job.source.seed, job.today, tell)
        case TakeSample():
            return lambda table, tell: sample(table, job)
        case Desensitise():
            return lambda table, tell: desensitise(table, job)
        case Measure():
            return lambda table, tell: measure(table, job)
        case WriteColumns():
            return lambda table, tell: write_columns(table, job)


def _query(job: RunQuery) -> Act:
    if job.source.media_type is MediaType.PARQUET:
        return lambda tell: answer(job)
    from services.delivery.inspector.columns import checked

    def act(tell: Tell) -> Answer:
        magic.check(job.source)
        columns = checked(job.source, silent)
        return answer_from(job, columns.path, columns.types)

    return act
