"""Files that are not taken, each with the reason that its provider is told; none of them breaks the inspector."""

import base64
import bz2
import gzip
import io
import json
import pickle
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.delivery.inspector.encodings import GB_18030, UTF_8, encoding_of
from services.delivery.inspector.messages import Refused
from services.delivery.inspector.text_tables import CELL_CHARACTERS_MAX, COLUMNS_MAX, LINE_CHARACTERS_MAX
from services.delivery.inspector.work import perform
from services.delivery.rules.upload import MediaType, Reason
from tests.delivery.made_files import encryption, inspection_of, parquet, parquet_of, pyarrow, source

CSV, JSON_LINES, PARQUET = MediaType
GOOD = b"a,b\n1,2\n"


def archive(name: str = "../../etc/passwd") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, GOOD)
    return buffer.getvalue()


def tape() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        member = tarfile.TarInfo("a.csv")
        member.size = len(GOOD)
        file.addfile(member, io.BytesIO(GOOD))
    return buffer.getvalue()


def arrow_file() -> bytes:
    buffer = io.BytesIO()
    table = pyarrow.table({"a": [1]})
    with pyarrow.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def arrow_stream() -> bytes:
    buffer = io.BytesIO()
    table = pyarrow.table({"a": [1]})
    with pyarrow.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def repeated(rows: int, text: str) -> bytes:
    return parquet_of({"a": pyarrow.array([text] * rows)}, compression="zstd")


def small_bomb() -> bytes:
    """Some six hundred bytes that become two hundred million: one text in a dictionary, and how often it is meant."""
    values = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 200_000, pyarrow.int32()), ["A" * 1000])
    return parquet_of({"a": values}, compression="zstd", store_schema=False, write_statistics=False)


def nested(depth: int) -> bytes:
    kind, value = pyarrow.int64(), 1
    for _ in range(depth):
        kind, value = pyarrow.list_(kind), [value]
    return parquet_of({"a": pyarrow.array([value], kind)})


class Keys(encryption.KmsClient):
    """Keeps every key in the open."""

    def __init__(self, config: object) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType]

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> bytes:
        return base64.b64encode(key_bytes)


def encrypted(*, plain_footer: bool) -> bytes:
    """One column of two behind a key; the footer may be read or not."""
    how = encryption.EncryptionConfiguration(footer_key="f", column_keys={"k": ["a"]}, plaintext_footer=plain_footer)
    factory = encryption.CryptoFactory(Keys)
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), how)
    table, buffer = pyarrow.table({"a": [1, 2], "b": [3, 4]}), io.BytesIO()
    with parquet.ParquetWriter(buffer, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def flipped_page() -> bytes:
    """A byte of a value changed under the checksum of its page."""
    content = parquet_of({"a": list(range(1000))}, compression="none", use_dictionary=False, write_page_checksum=True)
    return flipped(content, 2000)


def forged_rows() -> bytes:
    """A footer that claims other numbers than the pages hold: each varint of three rows is raised to forty."""
    content = parquet_of({"a": [1, 2, 3]}, compression="none", use_dictionary=False, write_statistics=False)
    footer = int.from_bytes(content[-8:-4], "little")
    cut = len(content) - 8 - footer
    forged = content[:cut] + content[cut:].replace(b"\x16\x06", b"\x16\x50")
    assert forged != content and len(forged) == len(content)
    return forged


def brief(value: object) -> str:
    """The same at every run: what is packed or encrypted holds a time or a nonce, behind its first bytes."""
    is_text = isinstance(value, bytes) and value[:8].isascii() and not value.startswith((b"PK", b"PAR"))
    return repr(value if is_text or not isinstance(value, bytes) else value[:4])[:40]


@pytest.mark.parametrize("content, reason, line", [
    (b"",                                               Reason.EMPTY,              None),
    (b"\xef\xbb\xbf",                                   Reason.EMPTY,              None),
    (b"a,b\n",                                          Reason.NO_ROWS,            None),
    (b"a,b\n1\n",                                       Reason.RAGGED,             2),
    (b"a,b\n1,2\n1,2,3\n",                              Reason.RAGGED,             3),
    (b'a,b\n1,"2\n3,4\n',                               Reason.UNCLOSED_QUOTE,     3),
    (b'a,b\n1,"2"x\n',                                  Reason.MALFORMED,          2),
    (b"a;b\n1;2\n",                                     Reason.WRONG_DELIMITER,    1),
    (b"a\tb\n1\t2\n",                                   Reason.WRONG_DELIMITER,    1),
    (b"a,a\n1,2\n",                                     Reason.DUPLICATE_HEADER,   1),
    (b"a,A \n1,2\n",                                    Reason.DUPLICATE_HEADER,   1),
    (b"11010519491231002X,1\n11010519491231002X,2\n", Reason.BAD_HEADER,     1),  # a first row, and no names
    ("备注 １３８１２３４１２３４,n\nx,2\n".encode(),    Reason.BAD_HEADER,         1),
    (b"a.b@example.cn,n\nx,2\n",                        Reason.BAD_HEADER,         1),
    ("王芳,n\n李娜,2\n张伟,3\n赵敏,4\n".encode(),      Reason.BAD_HEADER,         1),  # like what is below it
    (b"31.230416,121.473701\n31.230417,121.473702\n",   Reason.BAD_HEADER,         1),
    (b"a,\n1,2\n",                                      Reason.BAD_HEADER,         1),
    ("a,e\u0301\n1,2\n".encode(),                       Reason.BAD_HEADER,         1),
    ("a,\u202eb\n1,2\n".encode(),                       Reason.BAD_HEADER,         1),
    (b"a," + b"b" * 101 + b"\n1,2\n",                   Reason.BAD_HEADER,         1),
    ("上海,1\n".encode() + "北京,2\n".encode("gbk"),    Reason.ENCODING,           2),
    (GOOD + "北京,1\n".encode("gbk") + "广州塔,2\n".encode() + GOOD, Reason.ENCODING, 4),
    (GOOD + "café,naïve\n".encode("latin-1"),           Reason.ENCODING,           3),
    (GOOD + b"\xff\xfe,1\n",                            Reason.ENCODING,           3),
    (GOOD.decode().encode("utf-16"),                    Reason.ENCODING,           None),
    (b"a,b\n1,\x00\n",                                  Reason.ENCODING,           2),
    (b"a,b\n1,\x1b[2J\n",                               Reason.ENCODING,           2),
    (b"a,b\n1," + b"x" * (CELL_CHARACTERS_MAX + 1) + b"\n", Reason.CELL_TOO_LARGE, 2),
    (b"a,b\n1," + b"x" * LINE_CHARACTERS_MAX + b"\n",   Reason.CELL_TOO_LARGE,     2),
    (b'a,b\n1,"' + b"2\n" * CELL_CHARACTERS_MAX,        Reason.CELL_TOO_LARGE,     None),
    (b",".join(b"c%d" % n for n in range(COLUMNS_MAX + 1)) + b"\n", Reason.TOO_MANY_COLUMNS, None),
    (b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n", Reason.TOO_MANY_COLUMNS, 1),
    ("a,b\n1,北京\n".encode("utf-16-le"),               Reason.ENCODING,           None),
    (b"\x89HDF\r\n\x1a\n\x00\x00",                       Reason.UNSUPPORTED_FORMAT, None),
    (b"\x28\xb5\x2f\xfd\x04\x58\x59\x00\x00",            Reason.UNSUPPORTED_FORMAT, None),  # zstd
    (b"\xfd7zXZ\x00\x00",                               Reason.UNSUPPORTED_FORMAT, None),
    (b"\xff\x06\x00\x00sNaPpY",                        Reason.ENCODING,           None),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),  Reason.UNSUPPORTED_FORMAT, None),  # xls
    (archive("xl/workbook.xml"),                        Reason.UNSUPPORTED_FORMAT, None),
    (archive(),                                         Reason.UNSUPPORTED_FORMAT, None),
    (tape(),                                            Reason.UNSUPPORTED_FORMAT, None),
    (gzip.compress(GOOD),                               Reason.UNSUPPORTED_FORMAT, None),
    (bz2.compress(GOOD),                                Reason.UNSUPPORTED_FORMAT, None),
    (b"MZ\x90\x00\x03\x00\x00\x00",                     Reason.UNSUPPORTED_FORMAT, None),
    (b"ORC\n\x03\x00",                                 Reason.UNSUPPORTED_FORMAT, None),
    (b"\xef\xbb\xbf <HTML><body>",                     Reason.UNSUPPORTED_FORMAT, None),
    (pickle.dumps({"a": 1}),                            Reason.UNSUPPORTED_FORMAT, None),
    (arrow_file(),                                      Reason.UNSUPPORTED_FORMAT, None),
    (arrow_stream(),                                    Reason.UNSUPPORTED_FORMAT, None),
    (b"<!DOCTYPE html><script>alert(1)</script>",       Reason.UNSUPPORTED_FORMAT, None),
    (parquet_of({"a": [1]}),                            Reason.WRONG_MAGIC,        None),
], ids=brief)  # fmt: skip
def test_bad_csv(tmp_path: Path, content: bytes, reason: Reason, line: int | None):
    refused(tmp_path, content, CSV, reason, line)


@pytest.mark.parametrize("content, reason, line", [
    (b"\n\n",                                       Reason.NO_ROWS,          None),
    (b'{"a": 1}\n{"a": 2',                          Reason.MALFORMED,        2),
    (b'{"a": 1} {"a": 2}\n',                        Reason.MALFORMED,        1),
    (b'[{"a": 1},\n {"a": 2}]\n',                   Reason.MALFORMED,        1),
    (b'[1, 2]\n',                                   Reason.RAGGED,           1),
    (b'{"a": NaN}\n',                               Reason.MALFORMED,        1),
    (b'{"a": 1, "a": 2}\n',                         Reason.DUPLICATE_HEADER, 1),
    (b'{"a": 1, "\\u0061": 2}\n',                   Reason.DUPLICATE_HEADER, 1),
    (b'{"a": 1, "A": 2}\n',                         Reason.DUPLICATE_HEADER, 1),
    (b'{"13812341234": 1}\n',                       Reason.BAD_HEADER, 1),
    (b'{"a": {"b": 1}}\n',                          Reason.NESTED_COLUMN,    1),
    (b'{"a": 1}\n{"a": [1]}\n',                     Reason.NESTED_COLUMN,    2),
    (b'{"a": 1}\n{"a": "1"}\n',                     Reason.MIXED_TYPES,      2),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", Reason.MALFORMED,   1),
    (b'{"a": "\\ud800"}\n',                         Reason.ENCODING,         1),
    (b'{"a": "x\\u0000"}\n',                        Reason.ENCODING,         1),
    (b'\xef\xbb\xbf{"a": 1}\n',                     Reason.MALFORMED,        1),
    ('{"a": "北京"}\n'.encode("gbk"),               Reason.ENCODING,         1),
    (b'{"": 1}\n',                                  Reason.BAD_HEADER,       1),
    (json.dumps({"a": "x" * (CELL_CHARACTERS_MAX + 1)}).encode(), Reason.CELL_TOO_LARGE, 1),
    (json.dumps(dict.fromkeys(map(str, range(COLUMNS_MAX + 1)), 1)).encode(), Reason.TOO_MANY_COLUMNS, 1),
], ids=brief)  # fmt: skip
def test_bad_json_lines(tmp_path: Path, content: bytes, reason: Reason, line: int | None):
    refused(tmp_path, content, JSON_LINES, reason, line)


@pytest.mark.parametrize("content, reason", [
    (GOOD,                                                       Reason.WRONG_MAGIC),
    (b"PAR1",                                                    Reason.TRUNCATED),
    (parquet_of({"a": [1, 2]})[:-5],                             Reason.TRUNCATED),
    (b"PARE" + b"\x00" * 20 + b"PARE",                           Reason.ENCRYPTED),
    (b"PAR1" + b"\xff" * 20 + b"\x10\x00\x00\x00PAR1",           Reason.MALFORMED),
    (b"PAR1" + b"\xff" * 20 + b"\xff\xff\xff\x7fPAR1",           Reason.MALFORMED),
    (b"PAR1" + arrow_file() + b"PAR1",                           Reason.MALFORMED),
    (parquet_of({"a": [1, 2]}, compression="brotli"),            Reason.UNSUPPORTED_COMPRESSION),
    (encrypted(plain_footer=True),                               Reason.ENCRYPTED),
    (encrypted(plain_footer=False),                              Reason.ENCRYPTED),
    (small_bomb(),                                               Reason.BOMB),
    (nested(1),                                                  Reason.NESTED_COLUMN),
    (nested(30),                                                 Reason.NESTED_COLUMN),
    (nested(200),                                                Reason.NESTED_COLUMN),
    (parquet_of({"a": [{"b": 1}]}),                              Reason.NESTED_COLUMN),
    (parquet_of({"a": [1], "A": [2]}),                           Reason.DUPLICATE_HEADER),
    (parquet_of({"a": [1], "138 1234 1234": [2]}),               Reason.BAD_HEADER),
    (parquet_of({"a": pyarrow.array([], pyarrow.int64())}),      Reason.NO_ROWS),
    (parquet_of({str(n): [1] for n in range(COLUMNS_MAX + 1)}),  Reason.TOO_MANY_COLUMNS),
    (repeated(300_000, "A" * 1000),                              Reason.BOMB),
    (flipped_page(),                                             Reason.MALFORMED),
    (parquet_of({"a": list(range(10_001))}, row_group_size=1),   Reason.BOMB),
], ids=brief)  # fmt: skip
def test_bad_parquet(tmp_path: Path, content: bytes, reason: Reason):
    refused(tmp_path, content, PARQUET, reason)


def test_a_footer_that_claims_other_rows_is_not_believed(tmp_path: Path):
    answer = perform(inspection_of(source(tmp_path, forged_rows(), PARQUET)))
    assert isinstance(answer, Refused) and answer.reason in {Reason.FORGED_METADATA, Reason.MALFORMED, Reason.BOMB}


@pytest.mark.parametrize("place", range(4, 200, 7))
def test_no_flipped_byte_of_a_parquet_file_breaks_the_inspector(tmp_path: Path, place: int):
    content = parquet_of({"a": list(range(50)), "b": [f"text {n}" for n in range(50)]}, compression="none")
    perform(inspection_of(source(tmp_path, flipped(content, place), PARQUET)))


def test_a_file_of_another_size_than_declared_is_refused(tmp_path: Path):
    answer = perform(inspection_of(source(tmp_path, GOOD, declared=len(GOOD) + 1)))
    assert answer == Refused(Reason.TRUNCATED)


@pytest.mark.parametrize("name", ["ORCID", "MZ", "FEA1", "ARROW1", "BZh", "PK", "PAR"])
def test_a_column_may_be_named_like_the_first_letters_of_another_format(tmp_path: Path, name: str):
    answer: Any = perform(inspection_of(source(tmp_path, f"{name},b\n1,王\n".encode())))
    assert [field.name for field in answer.fields] == [name, "b"]


def test_a_constant_column_is_no_bomb(tmp_path: Path):
    answer: Any = perform(inspection_of(source(tmp_path, repeated(50_000, "CN"), PARQUET)))
    assert answer.rows == 50_000


def refused(folder: Path, content: bytes, media_type: MediaType, reason: Reason, line: int | None = None) -> None:
    answer = perform(inspection_of(source(folder, content, media_type)))
    assert isinstance(answer, Refused), answer
    assert answer.reason is reason
    assert line is None or answer.line == line


def test_a_csv_in_the_national_encoding_is_read(tmp_path: Path):
    text = "姓名,城市\n王明,北京\n李娜,石家庄\n"
    answer: Any = perform(inspection_of(source(tmp_path, text.encode("gb18030"))))
    same: Any = perform(inspection_of(source(tmp_path, b"\xef\xbb\xbf" + text.encode())))
    assert answer == same and [field.name for field in answer.fields] == ["姓名", "城市"]


def test_formulas_are_text_like_any_other(tmp_path: Path):
    answer: Any = perform(inspection_of(source(tmp_path, b'a,b\n"=HYPERLINK(""http://x"")",@SUM(A1)\n')))
    assert [field.type for field in answer.fields] == ["text", "text"]


@given(st.text(st.characters(codec="gb2312", min_codepoint=0x4E00), min_size=1), st.integers(0, 3))
def test_no_chinese_text_is_taken_for_another_encoding(text: str, lines_before: int):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"a,b\n" * lines_before + f"{text},1\n".encode("gb18030") * 2)
        file.flush()
        assert encoding_of(file.name) in (UTF_8, GB_18030)
