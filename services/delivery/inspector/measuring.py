"""A table measured for the risk that somebody in it is found: groups of rows that look alike, and what they share.

Promises: what is found is told by count, never by value; the same code measures a content before and after.
"""

from services.delivery.inspector.messages import Measure, Measured
from services.delivery.inspector.reading import Table
from services.delivery.rules.detection import WHOLE
from services.delivery.rules.effect import Groups
from services.delivery.rules.masking import quoted


def measure(table: Table, job: Measure) -> Measured:
    """Requires that the job's columns are the table's."""
    keys = ", ".join(map(quoted, job.quasi_identifiers)) or "true"
    grouped = f"SELECT count(*) AS n FROM source GROUP BY {keys}"
    counts = "count(*), min(n), count_if(n = 1)"
    [(groups, smallest, unique)] = table.database.execute(f"SELECT {counts} FROM ({grouped})").fetchall()
    diversity = [_diversity(table, keys, name) for name in job.sensitive_fields]
    closeness = [_closeness(table, keys, name) for name in job.sensitive_fields]
    found = Groups(
        table.rows, groups, smallest, unique, min(diversity, default=None), max(closeness, default=None)
    )  # fmt: skip
    return Measured(found, {name: _distinct(table, name) for name in job.distinct})


def _diversity(table: Table, keys: str, sensitive: str) -> int:
    """The fewest distinct values in a group (l); no value is a value too."""
    name = quoted(sensitive)
    values = f"count(DISTINCT {name}) + CAST(count(*) > count({name}) AS INTEGER) AS n"
    [(least,)] = table.database.execute(f"SELECT min(n) FROM (SELECT {values} FROM source GROUP BY {keys})").fetchall()
    return least


def _closeness(table: Table, keys: str, sensitive: str) -> int:
    """The greatest distance between a group's distribution and that of all rows (t), in basis points, rounded up.

    Half the sum of |p - q|: over the values of the group as counted, and over those it lacks, which is what is left.
    """
    name = quoted(sensitive)
    query = f"""
        WITH cells AS (SELECT hash({keys}) AS g, {name} AS v, count(*) AS n FROM source GROUP BY {keys}, {name}),
        overall AS (SELECT v, sum(n) AS n FROM cells GROUP BY v),
        sizes AS (SELECT g, sum(n) AS n FROM cells GROUP BY g)
        SELECT max(ceil(round(distance * {WHOLE}, 6))) FROM (
            SELECT (sum(abs(cells.n / sizes.n - overall.n / {table.rows}.0)) + 1 - sum(overall.n / {table.rows}.0)) / 2
                AS distance
            FROM cells JOIN overall ON cells.v IS NOT DISTINCT FROM overall.v JOIN sizes ON cells.g = sizes.g
            GROUP BY cells.g)
    """
    [(greatest,)] = table.database.execute(query).fetchall()
    return int(greatest)


def _distinct(table: Table, column: str) -> int:
    # As the profile counts them, so that before and after can be compared.
    name = quoted(column)
    distinct = f"count(DISTINCT CASE WHEN {name} IS NOT NULL THEN hash({name}) END)"
    [(found,)] = table.database.execute(f"SELECT {distinct} FROM source").fetchall()
    return found
