"""What the inspector does with a file, by the job: profile it, sample it, write it masked or in columns, measure it, or
query it.

Promises: the answer is a value, whatever the file: no exception of a parser leaves.
Requires: a process that may be lost (see `limits.py`); in the service itself only for files of our own making.
"""

import os

import duckdb

from services.delivery.inspector import magic
from services.delivery.inspector.columns import write_text_columns
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
    TakeSample,
    WriteColumns,
)
from services.delivery.inspector.profile import profile
from services.delivery.inspector.progress import Tell, silent
from services.delivery.inspector.query import answer, answer_from
from services.delivery.inspector.reading import opened
from services.delivery.inspector.rewriting import desensitise, sample, write_columns
from services.delivery.inspector.text_tables import open_table
from services.delivery.rules.upload import MediaType, Reason


def perform(job: Job, tell: Tell = silent) -> Answer:
    """The answer to a job; its steps are told meanwhile.

    A file that breaks the tools is refused like any other that is not taken.
    """
    try:
        if isinstance(job, RunQuery):
            return _answer(job)
        with opened(job.source, tell) as table:
            match job:
                case Inspect():
                    return profile(table, job.source.seed, job.today, tell)
                case TakeSample():
                    return sample(table, job)
                case Desensitise():
                    return desensitise(table, job)
                case Measure():
                    return measure(table, job)
                case WriteColumns():
                    return write_columns(table, job)
    except Refusal as refusal:
        return refusal.refused
    except (duckdb.Error, MemoryError, RecursionError, OSError):
        return Refused(Reason.INSPECTION_LIMIT)


def _answer(job: RunQuery) -> Answer:
    if job.source.media_type is MediaType.PARQUET:
        return answer(job)
    magic.check(job.source)
    text, path = open_table(job.source, silent), os.path.join(job.source.folder, "columns.parquet")
    write_text_columns(text, path, silent)
    return answer_from(job, path, text.json_types)
