"""What an inspector found in the fields of a version.

Owns: what is told of a finding.
Does not: judge whether a finding is more than chance. The inspector has seen the values and has judged that already;
whatever it reports counts, and to sift it again here would grade a version below what was found in it.
"""

from dataclasses import dataclass

from shared.kinds import Kind


@dataclass(frozen=True, slots=True)
class Detection:
    """How often a kind was met in the sampled values of a field, and how many of those proved true.

    `checksum_basis_points` is None where there was nothing to prove. `name_hit`: the field's name says it too.
    `decimals`: of coordinates, how many decimals of a degree the finest has; None where nobody looked.
    """

    kind: Kind
    name_hit: bool
    hit_basis_points: int
    checksum_basis_points: int | None
    sample_size: int
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    null_basis_points: int
    distinct: int
    detections: tuple[Detection, ...] = ()
    fit_basis_points: int | None = None  # values of its prevailing type, of those that are there
