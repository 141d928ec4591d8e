"""Whether the event loop keeps up: everything that a process answers waits for it.

Promises: where the loop stood still, the service is not ready until it has kept time for a while, so that whoever
shares out requests asks elsewhere; and what held it up is said by name while it does so, from a thread of its own.
Source: reliability F-53.
"""

import logging
import sys
import threading
import traceback

from shared import observing
from shared.clock import Clock, Stopwatch

INTERVAL_SECONDS = 0.25
BLOCKED_SECONDS = 3.0
KEPT_TIME_SECONDS = 5.0  # so long it must have kept time, to count as ready again
log = logging.getLogger(__name__)


class LoopWatch:
    """Of one process, whichever of its services run."""

    def __init__(self, clock: Clock, blocked_seconds: float = BLOCKED_SECONDS) -> None:
        self._clock, self._blocked_seconds = clock, blocked_seconds
        self._beat: Stopwatch | None = None
        self._blocked: Stopwatch | None = None  # since it was last found to have stood still
        self._is_running, self._stops = False, threading.Event()

    @property
    def is_blocked(self) -> bool:
        """Whether it stands still, or did a moment ago."""
        if self._blocked and self._blocked.seconds() < KEPT_TIME_SECONDS:
            return True
        return self._behind() > self._blocked_seconds

    async def run(self) -> None:
        """Watch for ever. The second who runs it leaves it to the first."""
        if self._is_running:
            return
        self._is_running = True
        self._stops = threading.Event()
        try:
            while True:
                await self._clock.sleep(INTERVAL_SECONDS)
                self._note()
        finally:
            self._is_running, self._beat = False, None
            self._stops.set()

    def _note(self) -> None:
        late, is_first = self._behind(), self._beat is None
        self._beat = Stopwatch()
        if is_first:
            loop_thread, stops = threading.get_ident(), self._stops
            threading.Thread(target=self._look, args=(loop_thread, stops), name="loop-watch", daemon=True).start()
        observer = observing.current()
        if observer:
            observer.metrics.loop_lag.observe(late)
        if late > self._blocked_seconds:
            self._blocked = Stopwatch()
            log.error("the event loop stood still for %.1f s", late)
            if observer:
                observer.metrics.loop_blocked.inc()

    def _behind(self) -> float:
        return max(0.0, self._beat.seconds() - INTERVAL_SECONDS) if self._beat else 0.0

    def _look(self, loop_thread: int, stops: threading.Event) -> None:
        """From outside of the loop: once for each time that it stands still, say where."""
        is_told = False
        while not stops.wait(INTERVAL_SECONDS):
            is_blocked = self._behind() > self._blocked_seconds
            frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  (documented, if underscored)
            if is_blocked and not is_told and (frame := frames.get(loop_thread)):
                where = "".join(traceback.format_stack(frame))
                log.critical("the event loop stands still in:\n%s", where)
            is_told = is_blocked
