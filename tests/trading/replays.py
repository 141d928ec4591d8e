"""Replays so many generated auctions, each compared with what was kept: `python -m tests.trading.replays 3000`.

Ends with a digest of all that was told and all that came of it, which is the same in every process.
"""

import hashlib
import sys

from tests.trading.generated import played, require_same


def main(count: int) -> None:
    digest, ends = hashlib.sha256(), dict[str, int]()
    for number in range(count):
        play = played(f"auction {number}")
        found = require_same(play)
        digest.update(b"".join(play.lines) + repr((found.auction, found.bids, found.trusted)).encode())
        end = f"{play.ending} {play.auction.mechanism} {play.auction.state}"
        ends[end] = ends.get(end, 0) + 1
    told = ", ".join(f"{many} {end}" for end, many in sorted(ends.items()))
    sys.stdout.write(f"{count} replayed: {told}; {digest.hexdigest()}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
