"""`yaosu witness`, that kills itself between its commit and its answer, when a file in its folder says so.

Run as a program with the arguments of the command. The file `die-before-answering` is taken away before it dies.
"""

import os
import signal
import sys
from pathlib import Path

from services import __main__ as command_line
from services import witness as program
from services.witness import Witness

add_checkpoint = Witness.add_checkpoint


def add_and_die(self: Witness, body: bytes) -> str:
    answer = add_checkpoint(self, body)
    trigger = Path(sys.argv[sys.argv.index("--folder") + 1]) / "die-before-answering"
    if trigger.exists():
        trigger.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


program.Witness.add_checkpoint = add_and_die
sys.argv[1:1] = ["witness"]
command_line.main()
