"""`python -m services.delivery.inspector`: one job on standard input; its progress and its answer, each a line of JSON,
on standard output; then gone."""

import sys

import msgspec

from services.delivery.inspector import limits
from services.delivery.inspector.messages import Answer, Order, Progress, Refused
from services.delivery.inspector.progress import steps
from services.delivery.rules.upload import Reason


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answer: Answer
    try:
        # Imported before the limits, because loading a library needs calls that are forbidden afterwards.
        from services.delivery.inspector import work

        limits.take(processor_seconds=order.processor_seconds, file_bytes=order.file_bytes)
        answer = work.perform(order.job, steps(_say))
    except MemoryError:
        answer = Refused(Reason.INSPECTION_LIMIT)
    _say(answer)


def _say(word: Answer | Progress) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
