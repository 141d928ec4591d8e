"""What the inspector does with a file, by the job: profile it, take a sample of it, or write it masked.

Promises: the answer is a value, whatever the file: no exception of a parser leaves.
Requires: a process that may be lost (see `limits.py`); in the service itself only for files of our own making.
"""

import duckdb

from services.delivery.inspector.messages import Answer, Desensitise, Inspect, Job, Refusal, Refused, TakeSample
from services.delivery.inspector.profile import profile
from services.delivery.inspector.progress import Tell, silent
from services.delivery.inspector.reading import opened
from services.delivery.inspector.rewriting import desensitise, sample
from services.delivery.rules.upload import Reason


def perform(job: Job, tell: Tell = silent) -> Answer:
    """The answer to a job; its steps are told meanwhile.

    A file that breaks the tools is refused like any other that is not taken.
    """
    try:
        with opened(job.source, tell) as table:
            match job:
                case Inspect():
                    return profile(table, job.source.seed, job.today, tell)
                case TakeSample():
                    return sample(table, job)
                case Desensitise():
                    return desensitise(table, job)
    except Refusal as refusal:
        return refusal.refused
    except (duckdb.Error, MemoryError, RecursionError, OSError):
        return Refused(Reason.INSPECTION_LIMIT)
