"""The canonical form means what was written: each statement is run in both forms, on rows with all that is awkward.

What DuckDB reads in the canonical form must also pass the child's own look at it.
"""

from collections.abc import Generator

import duckdb
import pytest

from services.delivery.dialect import checked
from services.delivery.inspector import parsed

COLUMNS = ["n", "s", "m", "d", "t", "b", "f"]
ROWS = """
CREATE TABLE data AS SELECT
    i AS n, CASE WHEN i % 5 > 0 THEN ' Shop ' || (i % 4) || '-x' END AS s, (i * 1.25)::DECIMAL(18, 2) AS m,
    DATE '2024-01-28' + i::INTEGER AS d, TIMESTAMP '2024-01-28 10:11:12' + INTERVAL (i) HOUR AS t, i % 2 = 0 AS b,
    i / 3.0::DOUBLE AS f
FROM range(1, 40) AS numbers(i)
"""
# fmt: off
EXPRESSIONS = """
n + 1 ; n - 1 ; n * 2 ; n / 2 ; n // 2 ; n % 3 ; -n ; n ^ 2 ; n ** 2 ; @n ; abs(-n) ; s || 'a' ; - - n ; -n ^ 2
2 ^ 3 ^ 2 ; 10 - 3 - 2 ; 100 / 10 / 5 ; 1 + 2 * 3 ; (n + 1) * 2 ; n = 3 ; n <> 3 ; n != 3 ; n == 3 ; n BETWEEN 2 AND 4
n NOT BETWEEN 2 AND 4 ; s LIKE ' Shop 1%' ; s NOT LIKE ' Shop 1%' ; s ILIKE ' shop%' ; s NOT ILIKE ' shop%'
s IS NULL ; s IS NOT NULL ; s ISNULL ; s NOTNULL ; n IN (1, 2) ; n NOT IN (1, 2) ; NOT b ; b AND n > 3 ; b OR n > 3
NOT b AND b ; NOT n = 3 ; n IS NULL OR n > 3 ; s = 'x' OR s != 'y' AND b ; b IS TRUE ; b IS NOT TRUE
n IS DISTINCT FROM 3 ; n IS NOT DISTINCT FROM 3 ; n > 1 IS TRUE ; CASE WHEN b THEN 1 ELSE 2 END
CASE n WHEN 1 THEN 'a' END ; if(b, 1, 2) ; coalesce(s, 'x') ; ifnull(s, 'x') ; nullif(n, 3) ; greatest(n, 3)
least(NULL, n) ; CAST(n AS VARCHAR) ; n::DOUBLE ; n::DECIMAL(10, 3) ; TRY_CAST(s AS INTEGER) ; CAST(f AS INTEGER)
m::TEXT ; t::DATE ; b::INTEGER ; n::BOOLEAN ; CAST('2024-02-29' AS TIMESTAMP) ; length(s) ; len(s) ; lower(s)
upper(s) ; trim(s) ; trim(s, ' x') ; ltrim(s) ; rtrim(s, 'x') ; trim(BOTH 'x' FROM s) ; trim(LEADING ' ' FROM s)
trim(TRAILING 'x' FROM s) ; left(s, 3) ; right(s, 3) ; left(s, -1) ; substring(s, 2, 3) ; substr(s, 2)
substring(s FROM 2 FOR 3) ; replace(s, 'Shop', 'x') ; starts_with(s, ' Shop 1') ; contains(s, '1') ; concat(s, 'x')
concat(s, NULL, 'x') ; split_part(s, '-', 1) ; split_part(s, '-', -1) ; regexp_matches(s, '1')
regexp_full_match(s, ' Shop 1.*') ; regexp_extract(s, '[0-9]') ; regexp_extract(s, '(S)(h)', 2)
regexp_matches(s, 'shop', 'i') ; position('1' IN s) ; strpos(s, '1') ; year(d) ; month(d) ; day(d) ; quarter(d)
week(d) ; dayofweek(d) ; dayofyear(d) ; hour(t) ; minute(t) ; second(t) ; extract(YEAR FROM d) ; extract(dow FROM d)
extract(epoch FROM t) ; extract('month' FROM d) ; date_trunc('month', d) ; date_trunc('week', t)
date_trunc('hour', t) ; date_diff('day', d, DATE '2024-12-31') ; datediff('month', d, DATE '2024-12-31') ; d + 1
d - DATE '2024-01-01' ; d + INTERVAL 1 DAY ; d + INTERVAL '3' MONTH ; d - INTERVAL 2 WEEK ; t - t
strftime(d, '%Y/%m') ; strftime(t, '%H:%M') ; TIMESTAMP '2024-01-01 00:00:00' ; round(f, 2) ; round(f) ; round(m, 1)
floor(f) ; ceil(f) ; ceiling(f) ; trunc(f) ; sqrt(n) ; ln(n) ; log(n) ; log10(n) ; exp(1) ; power(n, 2) ; pow(n, 2)
sign(n - 5) ; 1e3 ; 1.50 ; 1_000 ; 'it''s' ; TRUE ; NULL ; n IN (SELECT n FROM data WHERE n < 4)
(SELECT max(n) FROM data) ; row_number() OVER (ORDER BY n) ; rank() OVER (ORDER BY n % 3)
dense_rank() OVER (PARTITION BY b ORDER BY n % 3) ; lag(n) OVER (ORDER BY n) ; lag(n, 2, 0) OVER (ORDER BY n DESC)
lead(n) OVER (ORDER BY n) ; ntile(3) OVER (ORDER BY n) ; sum(n) OVER () ; sum(n) OVER (PARTITION BY b)
sum(n) OVER (ORDER BY n) ; avg(m) OVER (PARTITION BY s ORDER BY n) ; first_value(n) OVER (ORDER BY n)
percent_rank() OVER (ORDER BY n) ; cume_dist() OVER (ORDER BY n) ; sum(n) FILTER (WHERE b) OVER (ORDER BY n)
"""
AGGREGATES = """
count(*) ; count() ; count(s) ; count(DISTINCT s) ; count_if(b) ; sum(n) ; sum(DISTINCT n % 3) ; sum(m) ; avg(n)
avg(m) ; min(s) ; max(s) ; min(d) ; median(n) ; median(m) ; mode(n % 3) ; stddev(n) ; stddev_samp(n) ; stddev_pop(n)
variance(n) ; var_samp(n) ; var_pop(n) ; corr(n, f) ; quantile_cont(n, 0.25) ; quantile_disc(n, 0.25) ; bool_and(b)
bool_or(b) ; sum(n) FILTER (WHERE b) ; sum(n) / count(*) ; round(avg(m), 2) ; count(DISTINCT n) FILTER (WHERE n > 3)
sum(CASE WHEN b THEN 1 ELSE 0 END) ; coalesce(sum(n), 0) ; approx_count_distinct(n)
"""
STATEMENTS = """
SELECT n FROM data ORDER BY n DESC NULLS LAST LIMIT 3
SELECT s FROM data ORDER BY s, n
SELECT s FROM data ORDER BY s DESC, n
SELECT s FROM data ORDER BY s NULLS FIRST, n
SELECT DISTINCT s FROM data ORDER BY 1
SELECT s, count(*) AS c FROM data GROUP BY 1 ORDER BY c DESC, 1
SELECT b, sum(n) total FROM data GROUP BY b HAVING total > 3 ORDER BY total
SELECT n FROM data WHERE n > 3 ORDER BY n LIMIT 4 OFFSET 2
SELECT upper(s) AS s FROM data ORDER BY s, n
SELECT n % 3 AS n, count(*) FROM data GROUP BY n ORDER BY n
SELECT -n AS n FROM data ORDER BY n
SELECT n AS d FROM data WHERE d > DATE '2024-02-01' ORDER BY n
SELECT sum(n) AS n FROM data HAVING n > 3
SELECT data.n FROM data ORDER BY data.n LIMIT 2
SELECT D.N FROM data AS d ORDER BY d.n LIMIT 2
WITH a AS (SELECT n * 2 AS k FROM data) SELECT sum(k) FROM a
WITH a AS (SELECT n FROM data), b AS (SELECT n FROM a WHERE n > 3) SELECT count(*) FROM b
WITH a AS (WITH b AS (SELECT n FROM data) SELECT n FROM b) SELECT max(n) FROM a
SELECT count(*) FROM (SELECT DISTINCT b FROM data)
SELECT x.k FROM (SELECT n k FROM data) AS x WHERE x.k < 4 ORDER BY k
SELECT ALL n FROM data ORDER BY n
SELECT n, FROM data ORDER BY n
SELECT (n) FROM data WHERE (b) ORDER BY (n)
SELECT 1 WHERE 1 = 1
"""
# fmt: on


def written(table: str, frame: str) -> list[str]:
    return [frame.format(part.strip()) for line in table.strip().splitlines() for part in line.split(" ; ")]


@pytest.fixture(scope="module")
def database() -> Generator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as opened:
        opened.execute(ROWS)
        yield opened


@pytest.mark.parametrize("frame, table", [
    ("SELECT {} AS x FROM data ORDER BY n",                         EXPRESSIONS),
    ("SELECT {} AS x FROM data",                                    AGGREGATES),
    ("SELECT b, {} AS x FROM data GROUP BY b ORDER BY b",           AGGREGATES),
    ("SELECT n FROM data GROUP BY n HAVING {} IS NULL ORDER BY n",  AGGREGATES),
    ("{}",                                                          STATEMENTS),
])  # fmt: skip
def test_the_canonical_form_finds_the_same_rows(database: duckdb.DuckDBPyConnection, frame: str, table: str):
    for text in written(table, frame):
        canonical = checked(text, COLUMNS).sql
        parsed.check(database, canonical)
        expected = repr(database.execute(text).fetchall())
        assert repr(database.execute(canonical).fetchall()) == expected, f"{text}\n{canonical}"
