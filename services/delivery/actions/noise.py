"""How noise is drawn: by OpenDP's discrete Laplace, whose privacy is proven down to the last bit.

Only here, and only where the extra `noise` is installed. A draw is made once and kept: OpenDP takes its chance from
the system, so a second draw would be another one, and the mean of many the truth.
"""

import asyncio
import importlib
from collections.abc import Sequence
from typing import Any

from services.delivery.rules.cube import Declaration
from services.delivery.rules.cube_query import Draw, Family, NoiseUnavailable, noise_scale, sensitivity

TRIED_AGAIN_SECONDS = 3_600


async def drawn(declaration: Declaration, family: Family, numbers: Sequence[int]) -> Draw:
    """The family's numbers with noise. Raises NoiseUnavailable where OpenDP is not installed."""
    return await asyncio.to_thread(_drawn, declaration, family, list(numbers))


def _drawn(declaration: Declaration, family: Family, numbers: list[int]) -> Draw:
    opendp = _opendp()
    scale, distance = noise_scale(declaration, family), sensitivity(declaration, family)
    opendp.enable_features("contrib")
    space = opendp.vector_domain(opendp.atom_domain(T="i64")), opendp.l1_distance(T="i64")
    mechanism = opendp.m.make_laplace(*space, scale=float(scale))
    # OpenDP's own account of the mechanism, not ours: rounded up to a float, a millionth of a millionth is no matter.
    assert mechanism.map(d_in=distance) <= declaration.epsilon_micro / 1_000_000 * (1 + 1e-12)
    return Draw(family, tuple(map(int, mechanism(numbers))), scale)


def _opendp() -> Any:
    try:
        return importlib.import_module("opendp.prelude")
    except ImportError as error:
        raise NoiseUnavailable(
            detail="install the platform with its extra `noise`", retry_after_seconds=TRIED_AGAIN_SECONDS
        ) from error
