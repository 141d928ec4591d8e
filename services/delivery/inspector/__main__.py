"""`python -m services.delivery.inspector`: one job on standard input, its answer on standard output, then gone."""

import sys

import msgspec

from services.delivery.inspector import limits
from services.delivery.inspector.messages import Answer, Order, Refused
from services.delivery.rules.upload import Reason


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    answer: Answer
    try:
        # Imported before the limits, because loading a library needs calls that are forbidden afterwards.
        from services.delivery.inspector import work

        limits.take(processor_seconds=order.processor_seconds, file_bytes=order.file_bytes)
        answer = work.perform(order.job)
    except MemoryError:
        answer = Refused(Reason.INSPECTION_LIMIT)
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
