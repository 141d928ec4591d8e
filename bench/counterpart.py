"""What we are measured beside and never import: installed into an environment of its own, away from ours."""

import subprocess
import venv
from pathlib import Path


def python_with(folder: Path, requirement: str) -> Path | None:
    """A Python that has it. None, and said, where it cannot be installed: its figures are left out then."""
    place = folder / requirement.partition("==")[0]
    venv.create(place, with_pip=True)
    install = [place / "bin" / "python", "-m", "pip", "install", "--quiet", requirement]
    if subprocess.run(install, check=False).returncode:
        return print(f"{requirement} could not be installed; its figures are left out", flush=True)
    return place / "bin" / "python"
