"""Files as other programs write them, for the test `writers` of the engine: `make writers` makes them anew.

    make.py FOLDER          writes each file, and files.json: rules, the person to be erased, and how many rows are theirs
    make.py --check FOLDER PURGED   reads each purged file with every program that can: all rows but that person's are
                                    there, in order, and no needle is

Each file has 60 records of several people. Needles are what must be in no byte of what is left, as that format spells them.
"""

import base64
import bz2
import csv
import decimal
import json
import struct
import sys
import uuid
import zlib
from pathlib import Path

import cramjam
import duckdb
import fastavro
import pandas
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

ROWS = 60
THEIRS = [n for n in range(ROWS) if n % 12 == 5]
PERSON = "the-erased-7f3a"
NUMBER = 8_123_456_789_012_345
UUID = uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
files, kept = {}, {}


def pick(person, other):
    return [person if n in THEIRS else other(n) for n in range(ROWS)]


def texts():
    return pick(PERSON, lambda n: None if n % 9 == 8 else f"somebody-{n % 7}")


def numbers():
    return pick(NUMBER, lambda n: NUMBER + 1 + n)


def uuids():
    return pick(UUID, lambda n: uuid.UUID(int=(n % 7 + 1) << 90 | 0x4000_8000_0000_0000_0000))


def stays(name, person, path, **counts):
    """A file that is left alone: why it is refused, or how many records are opaque."""
    kept[name] = {"person": person, "path": path, **counts}


def note(name, person, path, needles, **more):
    needles = [needle.hex() for needle in needles]
    files[name] = {"person": person, "path": path, "records": ROWS, "theirs": len(THEIRS), "needles": needles, **more}


def parquet(folder, name, column, person, needles, **options):
    table = pa.table({"n": list(range(ROWS)), "userId": column, "previousId": pa.nulls(ROWS, pa.string())})
    pq.write_table(table, folder / name, row_group_size=25, write_page_index=True, **options)
    note(name, person, "userId,previousId", needles)


def with_pyarrow(folder):
    text = [PERSON.encode()]
    for codec in ["snappy", "gzip", "brotli", "lz4", "zstd", "none"]:
        parquet(folder, f"pyarrow-{codec}.parquet", pa.array(texts()), PERSON, text, compression=codec)
    parquet(folder, "pyarrow-v2-delta.parquet", pa.array(texts()), PERSON, text, data_page_version="2.0",
            use_dictionary=False, column_encoding={"userId": "DELTA_BYTE_ARRAY"}, write_page_checksum=True)
    parquet(folder, "pyarrow-bloom.parquet", pa.array(texts()), PERSON, text,
            bloom_filter_options={"userId": {"ndv": 100, "fpp": 0.01}})
    for width, bits, scale in [(9, 32, 0), (18, 64, 0), (38, 128, 0), (38, 128, 2), (76, 256, 0)]:
        person = 123_456_789 if bits == 32 else NUMBER
        values = [decimal.Decimal(v) for v in pick(person, lambda n: person - 1 - n)]
        kind = {32: pa.decimal32, 64: pa.decimal64, 128: pa.decimal128, 256: pa.decimal256}[bits](width, scale)
        bytes_ = person * 10**scale
        parquet(folder, f"pyarrow-decimal{bits}-{scale}.parquet", pa.array(values, kind), str(person),
                [bytes_.to_bytes(8, "big")] if bits > 64 else [])
    parquet(folder, "pyarrow-uuid.parquet", pa.array([u.bytes for u in uuids()], pa.uuid()), str(UUID), [UUID.bytes])
    parquet(folder, "pyarrow-uuid-bare.parquet", pa.array([u.bytes for u in uuids()], pa.binary(16)),
            str(UUID).upper(), [UUID.bytes])
    parquet(folder, "pyarrow-uuid-binary.parquet", pa.array([u.bytes for u in uuids()], pa.binary()), str(UUID),
            [UUID.bytes])
    for kind in [pa.int64(), pa.uint64(), pa.float64(), pa.string()]:
        values = [str(v) for v in numbers()] if kind == pa.string() else numbers()
        needles = [struct.pack("<d", NUMBER)] if kind == pa.float64() else [struct.pack("<q", NUMBER)]
        parquet(folder, f"pyarrow-{kind}.parquet", pa.array(values, kind), str(NUMBER), needles)
    maps = [[("plan", "free"), ("userId", user)] if user else [] for user in texts()]
    table = pa.table({"n": list(range(ROWS)), "traits": pa.array(maps, pa.map_(pa.string(), pa.string()))})
    pq.write_table(table, folder / "pyarrow-map.parquet")
    note("pyarrow-map.parquet", PERSON, "traits.userId", text)
    # One person's only: a record of several people stays.
    nested = [{"ids": [{"id": ""}, {"id": user}]} for user in texts()]
    pq.write_table(pa.table({"context": nested}), folder / "pyarrow-nested.parquet")
    note("pyarrow-nested.parquet", PERSON, "context.ids.id", text)
    # Columns of types that others' erasers lost: nanoseconds, 16-bit floats, byte-stream-split and delta-encoded ones.
    odd = {"ns": pa.array([n * 1_000_000_001 for n in range(ROWS)], pa.timestamp("ns")),
           "half": pa.array([n / 2 for n in range(ROWS)], pa.float16()), "split": [n / 3 for n in range(ROWS)],
           "delta": list(range(ROWS)), "wide": pa.array([decimal.Decimal(10**50 + n) for n in range(ROWS)], pa.decimal256(60))}
    encodings = {"split": "BYTE_STREAM_SPLIT", "delta": "DELTA_BINARY_PACKED", "userId": "DELTA_LENGTH_BYTE_ARRAY"}
    pq.write_table(pa.table({**odd, "userId": texts()}), folder / "pyarrow-odd-decimal256.parquet", row_group_size=25,
                   use_dictionary=False, column_encoding=encodings, write_page_checksum=True, write_page_index=True)
    note("pyarrow-odd-decimal256.parquet", PERSON, "userId", text)
    # A column of nulls beside the other.
    pq.write_table(pa.table({"userId": texts(), "previousId": pa.nulls(ROWS)}), folder / "pyarrow-nulls.parquet")
    note("pyarrow-nulls.parquet", PERSON, "userId,previousId", text)
    encrypted(folder)
    # As Spark writes by default: INT96 times, Snappy, dictionaries.
    table = pa.table({"userId": texts(), "at": pa.array([n * 10**9 for n in range(ROWS)], pa.timestamp("ns"))})
    pq.write_table(table, folder / "spark-like.parquet", use_deprecated_int96_timestamps=True, version="1.0")
    note("spark-like.parquet", PERSON, "userId", text)


class Keys(pe.KmsClient):
    def wrap_key(self, key, _):
        return base64.b64encode(key)

    def unwrap_key(self, wrapped, _):
        return base64.b64decode(wrapped)


def encrypted(folder):
    """The footer is plain; a column that no rule names is not."""
    for name, secret in [("", "email"), ("-id", "userId")]:
        factory, connection = pe.CryptoFactory(lambda _: Keys()), pe.KmsConnectionConfig()
        settings = pe.EncryptionConfiguration(footer_key="footer", column_keys={"column": [secret]}, plaintext_footer=True)
        table = pa.table({"userId": texts(), "email": texts()})
        path = folder / f"pyarrow-encrypted{name}.parquet"
        with pq.ParquetWriter(path, table.schema, encryption_properties=factory.file_encryption_properties(connection, settings)) as file:
            file.write_table(table, row_group_size=1)
        stays(path.name, PERSON, "userId", refused="encrypted Parquet")


def with_duckdb(folder):
    table = pa.table({"n": list(range(ROWS)), "userId": texts(), "id": [str(u) for u in uuids()]})
    for name, kind in [("parquet", "PARQUET, ROW_GROUP_SIZE 2048"), ("json", "JSON, ARRAY true"), ("ndjson", "JSON"), ("csv", "CSV")]:
        duckdb.sql(f"COPY (SELECT n, \"userId\" FROM \"table\") TO '{folder}/duckdb.{name}' (FORMAT {kind})")
        note(f"duckdb.{name}", PERSON, "userId", [PERSON.encode()])
    # Its type JSON: the text has quotes of its own.
    duckdb.sql(f"COPY (SELECT n, to_json(\"userId\") AS \"userId\" FROM \"table\") TO '{folder}/duckdb-quoted.parquet' (FORMAT PARQUET)")
    note("duckdb-quoted.parquet", PERSON, "userId", [PERSON.encode()])
    duckdb.sql(f"COPY (SELECT n, id::UUID AS \"userId\" FROM \"table\") TO '{folder}/duckdb-uuid.parquet' (FORMAT PARQUET)")
    note("duckdb-uuid.parquet", str(UUID), "userId", [UUID.bytes])
    duckdb.sql(f"COPY (SELECT n, CASE WHEN \"userId\" = '{PERSON}' THEN {NUMBER}::HUGEINT::DECIMAL(38,0) ELSE n END AS \"userId\""
               f" FROM \"table\") TO '{folder}/duckdb-decimal.parquet' (FORMAT PARQUET)")
    note("duckdb-decimal.parquet", str(NUMBER), "userId", [NUMBER.to_bytes(8, "big")])


def variants(folder):
    """Fields within binary values: as DuckDB writes them, and as Spark did before the annotation came."""
    person = f"{{'userId': '{PERSON}' || (i % 2), 'name': 'x'}}::VARIANT"
    target = folder / "duckdb-variant.parquet"
    duckdb.sql(f"COPY (SELECT i AS n, {person} AS v FROM range(20) t(i)) TO '{target}'")
    bare = pa.array([{"metadata": b"\x01\0\0", "value": b"\x0c\x01"}] * 9)
    pq.write_table(pa.table({"n": range(9), "v": bare}), folder / "pyarrow-variant-bare.parquet")
    for name in ["duckdb-variant.parquet", "pyarrow-variant-bare.parquet"]:
        stays(name, PERSON + "1", "n,v.userId", refused="Parquet with a rule's path into a VARIANT: v")


def with_frames(folder):
    frame = {"n": list(range(ROWS)), "userId": texts()}
    pandas.DataFrame(frame).to_parquet(folder / "pandas.parquet")
    pandas.DataFrame(frame).to_json(folder / "pandas-array.json", orient="records")
    pandas.DataFrame(frame).to_json(folder / "pandas-pretty.json", orient="records", indent=2)
    pandas.DataFrame(frame).to_json(folder / "pandas-lines.json", orient="records", lines=True)
    polars.DataFrame(frame).write_parquet(folder / "polars.parquet")
    polars.DataFrame(frame).write_json(folder / "polars.json")
    # 16 bytes to a number, of no type that Parquet has: of the subject, and of nobody.
    wide = polars.DataFrame({"userId": [49, 1, 13618]}, schema={"userId": polars.Int128})
    for person, opaque in [("49", 1), ("1", 2), ("2", 0)]:
        name = f"polars-int128-{person}.parquet"
        wide.write_parquet(folder / name)
        stays(name, person, "userId", opaque=opaque)
    categories(folder)
    variants(folder)
    enums(folder)
    pandas.DataFrame({"userId": [f'"{PERSON}"', "somebody"]}).to_parquet(folder / "pandas-quoted.parquet")
    stays("pandas-quoted.parquet", PERSON, "userId", opaque=1)
    polars.DataFrame(frame).write_avro(folder / "polars.avro", compression="snappy")
    for name in ["pandas.parquet", "pandas-array.json", "pandas-pretty.json", "pandas-lines.json", "polars.parquet",
                 "polars.json", "polars.avro"]:
        note(name, PERSON, "userId", [PERSON.encode()])


def categories(folder):
    """The whole dictionary is in every row group, whatever rows it has; and in a file from which the rows were filtered."""
    address = "erased@example.com"
    mails = pick(address, lambda n: f"{n}@example.com")
    frame = pandas.DataFrame({"n": range(ROWS), "userId": texts(), "email": mails})
    frame = frame.astype({"userId": "category", "email": "category"})
    needles = [PERSON.encode(), address.encode()]
    # Its categories stand in the schema.
    enum = polars.Enum(sorted({PERSON, "somebody"}))
    polars.DataFrame({"userId": [PERSON, "somebody"]}, schema={"userId": enum}).write_parquet(folder / "polars-enum.parquet")
    stays("polars-enum.parquet", PERSON, "userId", refused="Parquet whose schema names a subject in the categories of a "
          "polars Enum: have it written as text")
    frame.to_parquet(folder / "pandas-category.parquet", row_group_size=5)
    note("pandas-category.parquet", PERSON, "userId", needles)
    name = "pandas-category-filtered.parquet"
    frame[frame.userId != PERSON].to_parquet(folder / name, row_group_size=30)
    note(name, PERSON, "userId", needles, records=ROWS - len(THEIRS), theirs=0, stale=2)
    frame = polars.DataFrame({"n": range(ROWS), "userId": texts(), "email": mails})
    frame = frame.with_columns(polars.col("userId", "email").cast(polars.Categorical))
    frame.write_parquet(folder / "polars-categorical.parquet", row_group_size=5)
    note("polars-categorical.parquet", PERSON, "userId", needles)


def with_fastavro(folder):
    def write(name, kind, values, person, needles, **options):
        schema = {"type": "record", "name": "Event", "namespace": "org.example", "fields": [
            {"name": "n", "type": "long"}, {"name": "userId", "type": ["null", kind]},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "traits", "type": {"type": "map", "values": ["null", "string", "double"]}}]}
        rows = [{"n": n, "userId": value, "at": n, "traits": {"plan": "free", "score": 1.5}} for n, value in enumerate(values)]
        with open(folder / name, "wb") as out:
            fastavro.writer(out, fastavro.parse_schema(schema), rows, sync_interval=400, **options)
        note(name, person, "userId", needles)

    for codec in ["null", "deflate", "bzip2", "snappy", "zstandard"]:
        write(f"fastavro-{codec}.avro", "string", texts(), PERSON, [PERSON.encode()], codec=codec)
    write("fastavro-uuid.avro", {"type": "string", "logicalType": "uuid"}, uuids(), str(UUID).upper(), [str(UUID).encode()])
    write("fastavro-uuid-fixed.avro", {"type": "fixed", "name": "u", "size": 16}, [u.bytes for u in uuids()], str(UUID), [UUID.bytes])
    write("fastavro-decimal.avro", {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 2},
          [decimal.Decimal(v) for v in numbers()], str(NUMBER), [(NUMBER * 100).to_bytes(8, "big")])
    write("fastavro-long.avro", "long", numbers(), str(NUMBER), [])


def enums(folder):
    """Identifiers that the schema lists stay with it."""
    symbols = ["the_erased", "somebody"]
    schema = {"type": "record", "name": "r", "fields": [{"name": "userId", "type": {"type": "enum", "name": "e", "symbols": symbols}}]}
    with open(folder / "fastavro-enum.avro", "wb") as file:
        fastavro.writer(file, schema, [{"userId": symbol} for symbol in symbols])
    stays("fastavro-enum.avro", symbols[0], "userId",
          refused="Avro whose schema names a subject in the symbols of an enum: have it written as text")
    # As Spark's StringIndexer notes its labels.
    labels = json.dumps({"fields": [{"name": "userId", "metadata": {"ml_attr": {"vals": [PERSON, "somebody"]}}}]})
    table = pa.table({"userId": [PERSON, "somebody"]}).replace_schema_metadata({"org.apache.spark.sql.parquet.row.metadata": labels})
    pq.write_table(table, folder / "spark-like-labels.parquet")
    stays("spark-like-labels.parquet", PERSON, "userId", refused="Parquet whose footer names a subject in a list of its "
          "key-value metadata: have it written without")


def with_firehose(folder):
    """As Amazon Data Firehose joins records that have no line feed of their own."""
    rows = [json.dumps({"n": n, "userId": user}) for n, user in enumerate(texts())]
    for name, text in {
        "firehose-joined.json": "".join(rows),
        "bom-lines.json": "\ufeff" + "\r\n".join(rows) + "\r\n",
        "array-of-lines.json": "[" + "\n,".join(rows) + "]\n",
        "pretty-objects.json": "\n".join(json.dumps(json.loads(row), indent=2) for row in rows),
    }.items():
        (folder / name).write_bytes(text.encode())
        note(name, PERSON, "userId", [PERSON.encode()])


# How others read enriched events: tabs, no quotes, no header.
SNOWPLOW = {"sep": "\t", "header": None, "quoting": csv.QUOTE_NONE, "dtype": str, "keep_default_na": False}


def with_snowplow(folder):
    """As Snowplow writes enriched events: 131 columns, of which the 13th is the user's id."""
    rows = [[f"c{column}" for column in range(131)] for _ in range(ROWS)]
    for n, (row, user) in enumerate(zip(rows, texts())):
        row[5], row[12], row[52], row[60] = str(n), user, json.dumps({"data": [n]}), 'a "page'
    text = "".join("\t".join(cell or "" for cell in row) + "\n" for row in rows)
    rules = {"headerless": {"delimiter": "tab", "quotes": False}, "rules": [{"path": "#13", "type": "USER_ID"}]}
    (folder / "snowplow-enriched.tsv").write_bytes(text.encode())
    note("snowplow-enriched.tsv", PERSON, "#13", [PERSON.encode()], rules=rules)


def with_codecs(folder):
    """Lines compressed as a whole: bzip2 in two streams, as parallel programs write it, zlib and framed Snappy."""
    lines = [json.dumps({"n": n, "userId": user}) + "\n" for n, user in enumerate(texts())]
    first, rest = "".join(lines[:30]).encode(), "".join(lines[30:]).encode()
    for name, packed in {
        "lines.json.bz2": bz2.compress(first) + bz2.compress(rest),
        "lines.json.zz": zlib.compress(first + rest),
        "lines.json.sz": bytes(cramjam.snappy.compress(first + rest)),
    }.items():
        (folder / name).write_bytes(packed)
        note(name, PERSON, "userId", [])


OPEN = {".bz2": bz2.decompress, ".zz": zlib.decompress, ".sz": lambda packed: bytes(cramjam.snappy.decompress(packed))}


def read(name):
    """Rows by each reader that knows the format."""
    path, plain = str(name), lambda rows: [json.dumps(row, default=str, sort_keys=True) for row in rows]
    if path.endswith(".parquet"):
        yield "pyarrow", plain(pq.read_table(path).to_pylist())
        yield "duckdb", plain(duckdb.sql(f"FROM '{path}'").to_arrow_table().to_pylist())
        # It knows no decimals of more digits than 38.
        if "decimal256" not in path:
            yield "polars", plain(polars.read_parquet(path).to_dicts())
    elif path.endswith(".avro"):
        with open(path, "rb") as file:
            yield "fastavro", plain(fastavro.reader(file))
        # It knows no maps.
        if "polars" in path:
            yield "polars", plain(polars.read_avro(path).to_dicts())
    elif path.endswith(".csv"):
        yield "duckdb", plain(duckdb.read_csv(path).to_arrow_table().to_pylist())
    elif path.endswith(".tsv"):
        yield "pandas", plain(pandas.read_csv(path, **SNOWPLOW).to_dict("records"))
        yield "duckdb", plain(duckdb.read_csv(path, sep="\t", header=False, quotechar="", all_varchar=True).to_arrow_table().to_pylist())
    elif ".json" in path or path.endswith("json"):
        unpack = OPEN.get(Path(path).suffix, bytes)
        text, rows, at = unpack(Path(path).read_bytes()).decode("utf-8-sig"), [], 0
        while at < len(text.rstrip()):
            at += len(text[at:]) - len(text[at:].lstrip())
            value, at = json.JSONDecoder().raw_decode(text, at)
            rows.extend(value if isinstance(value, list) else [value])
        yield "json", plain(rows)


def check(folder, purged):
    known = json.loads((folder / "files.json").read_text())
    for name, about in known.items():
        bytes_ = (purged / name).read_bytes()
        found = [needle for needle in about["needles"] if bytes.fromhex(needle) in bytes_]
        assert not found, f"{name}: a needle is left"
        for (reader, before), (_, after) in zip(read(folder / name), read(purged / name), strict=True):
            assert len(before) == about["records"], f"{name}: {reader} reads {len(before)} rows of the original"
            left = [row for n, row in enumerate(before) if about["theirs"] == 0 or n not in THEIRS]
            assert after == left, f"{name}: {reader} reads something else"
    print(f"{len(known)} files are as they should be")


def main():
    if sys.argv[1] == "--check":
        return check(Path(sys.argv[2]), Path(sys.argv[3]))
    folder = Path(sys.argv[1])
    for make in [with_pyarrow, with_duckdb, with_frames, with_fastavro, with_firehose, with_snowplow, with_codecs]:
        make(folder)
    (folder / "files.json").write_text(json.dumps(files, indent=1) + "\n")
    (folder / "kept.json").write_text(json.dumps(kept, indent=1) + "\n")


main()
