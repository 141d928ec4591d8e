"""`python -m services.delivery.inspector`: one job on standard input; its progress and its answer, each a line of JSON,
on standard output; then gone."""

import sys
from collections.abc import Callable
from functools import partial

import msgspec

from services.delivery.inspector import limits
from services.delivery.inspector.messages import Answer, Job, Order, Progress, Refused, RunQuery
from services.delivery.inspector.progress import steps
from services.delivery.rules.upload import MediaType, Reason


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answer: Answer
    try:
        # Imported before the limits, because loading a library needs calls that are forbidden afterwards.
        perform = _performer(order.job)
        limits.take(processor_seconds=order.processor_seconds, file_bytes=order.file_bytes)
        answer = perform()
    except MemoryError:
        answer = Refused(Reason.INSPECTION_LIMIT)
    _say(answer)


def _say(word: Answer | Progress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


def _performer(job: Job) -> Callable[[], Answer]:
    if isinstance(job, RunQuery) and job.source.media_type is MediaType.PARQUET:
        from services.delivery.inspector import query

        return partial(query.answer, job)
    from services.delivery.inspector import work

    return partial(work.prepared(job), steps(_say))


if __name__ == "__main__":
    main()
