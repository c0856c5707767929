"""Files in S3, against a real server of its protocol: patterns, contents, and everything that may be refused."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from treadle.components import ingest
from treadle.errors import CorruptFileError, DataFileNotFoundError, DataSourceError, EmptyFileError
from treadle.ingest import build_examples, digest_source, list_spans, read_examples, read_table, scan
from treadle.pipeline import pipeline
from treadle.runner import run
from treadle.schema import Feature, Schema

pytestmark = pytest.mark.engines

SCHEMA = Schema({"month": Feature(name="month", type="int")})


@dataclass
class Store:
    """A bucket ``lake`` on a server of our own."""

    endpoint: str
    client: Any

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket="lake", Key=key, Body=content)

    def ask_for_credentials(self, after: str) -> None:
        """Let the server check who asks, as the real one does; ``inf`` for never."""
        place = f"{self.endpoint}/moto-api/reset-auth"
        request = urllib.request.Request(place, after.encode(), {"Content-Type": "text/plain"})
        urllib.request.urlopen(request, timeout=10).close()


@pytest.fixture
def store(s3_environment: str) -> Iterator[Store]:
    import boto3
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3")
    made = Store(s3_environment, client)
    client.create_bucket(Bucket="lake")
    yield made
    made.ask_for_credentials("inf")
    for found in client.list_objects_v2(Bucket="lake").get("Contents", []):
        client.delete_object(Bucket="lake", Key=found["Key"])
    client.delete_bucket(Bucket="lake")
    client.close()
    s3fs.S3FileSystem.clear_instance_cache()


def parquet(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_spans_by_pattern(store: Store, tmp_path: Path) -> None:
    for month in (1, 2, 3):
        store.put(f"rides/trips-2018-{month:02d}.parquet", parquet(month=[month, 0]))
    store.put("rides/notes.txt", b"nothing")
    spans = list_spans("s3://lake/rides/trips-{YYYY}-{MM}.parquet")
    assert [span.span for span in spans] == ["2018-01", "2018-02", "2018-03"]
    assert spans[0].paths == ("s3://lake/rides/trips-2018-01.parquet",)
    manifest = build_examples(spans[1:], schema=SCHEMA, out_path=tmp_path / "examples")
    assert manifest.spans == ("2018-02", "2018-03")
    assert read_examples(tmp_path / "examples").table("train", ["month"])["month"].to_pylist() == [2, 0, 3, 0]
    # a delivery that comes while a process lives is seen
    store.put("rides/trips-2018-04.parquet", parquet(month=[4]))
    assert list_spans("s3://lake/rides/trips-{YYYY}-{MM}.parquet")[-1].span == "2018-04"


def test_every_kind_of_file(store: Store) -> None:
    store.put("a.csv", b"n,s\n1,\n")
    store.put("a.jsonl", b'{"n": 1, "s": null}\n')
    store.put("a.parquet", parquet(n=[1], s=pa.nulls(1, pa.string())))
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert scan(f"s3://lake/{name}").table(["n", "s"]).to_pylist() == [{"n": 1, "s": None}]
    store.put("photos/cat/1.png", b"\x89PNG\r\n\x1a\nxx")
    store.put("photos/dog/2.png", b"\x89PNG\r\n\x1a\nyy")
    assert read_table("images+s3://lake/photos")["label"].to_pylist() == ["cat", "dog"]
    store.put("reviews/good/1.txt", b"fine")
    assert read_table("texts+s3://lake/reviews").to_pylist() == [
        {"path": "good/1.txt", "label": "good", "text": "fine"}
    ]


def test_content_counts_not_the_tag(store: Store, tmp_path: Path) -> None:
    content = b"n\n" + b"1\n" * 3_000_000
    (tmp_path / "a.csv").write_bytes(content)
    store.put("whole.csv", content)
    made = store.client.create_multipart_upload(Bucket="lake", Key="parts.csv")
    pieces = [content[:5_242_880], content[5_242_880:]]
    parts = [
        {
            "PartNumber": number,
            "ETag": store.client.upload_part(
                Bucket="lake", Key="parts.csv", UploadId=made["UploadId"], PartNumber=number, Body=piece
            )["ETag"],
        }
        for number, piece in enumerate(pieces, start=1)
    ]
    # as long as an upload has not ended, there is no file
    with pytest.raises(DataFileNotFoundError):
        read_table("s3://lake/parts.csv")
    store.client.complete_multipart_upload(
        Bucket="lake", Key="parts.csv", UploadId=made["UploadId"], MultipartUpload={"Parts": parts}
    )
    tags = {store.client.head_object(Bucket="lake", Key=key)["ETag"] for key in ("whole.csv", "parts.csv")}
    assert len(tags) == 2
    assert digest_source("s3://lake/whole.csv") == digest_source("s3://lake/parts.csv")
    assert digest_source("s3://lake/whole.csv") == digest_source(tmp_path / "a.csv")


def test_what_is_not_there(store: Store) -> None:
    store.put("rides/a.csv", b"n\n1\n")
    store.put("empty.csv", b"")
    for url, told in (
        ("s3://lake/gone.csv", "no such file"),
        ("s3://pond/a.csv", "no such bucket"),
        ("s3://lake/rides", "a directory"),
    ):
        with pytest.raises(DataFileNotFoundError, match=told) as caught:
            read_table(url)
        assert caught.value.where["file"] == url
    with pytest.raises(EmptyFileError):
        read_table("s3://lake/empty.csv")
    with pytest.raises(DataFileNotFoundError, match="No file matches"):
        list_spans("s3://lake/rides/{YYYY}.csv")
    with pytest.raises(DataFileNotFoundError, match="no such bucket"):
        list_spans("s3://pond/rides/{YYYY}.csv")


def test_half_a_file(store: Store) -> None:
    whole = parquet(n=list(range(5000)))
    store.put("half.parquet", whole[: len(whole) // 2])
    with pytest.raises(CorruptFileError, match="not a whole Parquet file") as caught:
        read_table("s3://lake/half.parquet")
    assert caught.value.where["file"] == "s3://lake/half.parquet"
    damaged = whole[:200] + bytes(400) + whole[600:]
    store.put("damaged.parquet", damaged)
    with pytest.raises(CorruptFileError) as caught:
        read_table("s3://lake/damaged.parquet")
    assert caught.value.where["file"] == "s3://lake/damaged.parquet"


@pytest.mark.parametrize(
    "read", [read_table, lambda url: list_spans(url.replace("a.csv", "{YYYY}.csv"))], ids=["file", "pattern"]
)
def test_credentials(store: Store, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]) -> None:
    import s3fs

    store.put("a.csv", b"n\n1\n")
    store.ask_for_credentials("0")
    with pytest.raises(DataSourceError, match="cannot be read") as caught:
        read("s3://lake/a.csv")
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)
    assert "nobody-knows-this" not in str(caught.value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(DataSourceError, match="Unable to locate credentials") as caught:
        read("s3://lake/a.csv")
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)


@pipeline
def months(pattern: str, schema: str) -> None:
    ingest(pattern=pattern, schema=schema, window=2, splits={"train": 1.0})


def test_a_pipeline_reads_from_the_store_and_reuses_by_content(store: Store, tmp_path: Path) -> None:
    SCHEMA.save(tmp_path / "schema.toml")
    for month in (1, 2, 3):
        store.put(f"m/{month}.parquet", parquet(month=[month]))

    def ingested() -> Any:
        parameters = {"pattern": "s3://lake/m/{SPAN}.parquet", "schema": str(tmp_path / "schema.toml")}
        node = run(months, parameters, home=tmp_path / "home").nodes["ingest"]
        assert node.state in ("ran", "cached"), node.error
        return node

    assert ingested().outputs["examples"].properties["spans"] == ["2", "3"]
    store.put("m/3.parquet", parquet(month=[3]))  # written again, with the same bytes
    assert ingested().state == "cached"
    store.put("m/3.parquet", parquet(month=[33]))
    assert ingested().state == "ran"


def test_a_delta_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed: pip install 'treadle[delta]'")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    deltalake.write_deltalake(
        "s3://lake/table", pa.table({"n": [1]}), storage_options={"AWS_S3_ALLOW_UNSAFE_RENAME": "true"}
    )
    assert [span.version for span in list_spans("delta://s3/lake/table")] == [0]
    assert read_table("delta://s3/lake/table").to_pydict() == {"n": [1]}
