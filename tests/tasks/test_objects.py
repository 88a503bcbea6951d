from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import StoreError
from tasks.objects import Objects, check_shared, shared_objects
from tests.bucket import SECRET, Bucket
from tests.postgres import Server

names = st.lists(st.text("abz-_.0", min_size=1).filter(lambda part: part.strip(".")), min_size=1, max_size=3)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=names, content=st.binary(max_size=1000))
def test_what_is_written_is_read_back(bucket: Bucket, tmp_path: Path, parts: list[str], content: bytes) -> None:
    objects, name = Objects(bucket.url), "/".join(["written", *parts])
    objects.write(name, content)
    assert objects.read(name) == content
    assert objects.listed("written")["/".join(parts)].size == len(content)
    assert objects.download(name, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    objects.upload(tmp_path / "copy", f"{name}-again")
    assert objects.read(f"{name}-again") == content
    objects.remove(name)
    assert objects.read(name) is None
    assert not objects.download(name, tmp_path / "none")


def test_a_file_of_several_parts_is_written_and_read_whole(bucket: Bucket, tmp_path: Path) -> None:
    objects = Objects(bucket.url)
    (tmp_path / "weights").write_bytes(bytes(range(256)) * 100_000)
    objects.upload(tmp_path / "weights", "weights")
    assert objects.download("weights", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "weights").read_bytes()


def test_hosts_share_nothing_unless_they_are_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STILLHOUSE_OBJECTS", raising=False)
    assert shared_objects() is None
    check_shared()


@pytest.mark.parametrize(
    "url", ["a/folder", "s3://", "nosuch://bucket/prefix", f"s3://me:{SECRET}@bucket", f"s3://me:a/{SECRET}@bucket/a"]
)
def test_what_is_no_bucket_is_a_store_error_without_the_keys_in_it(bucket: Bucket, url: str) -> None:
    with pytest.raises(StoreError, match="://") as caught:
        Objects(url).write("name", b"")
    assert SECRET not in str(caught.value)


def test_a_bucket_that_is_away_or_not_there_is_a_store_error_that_says_what_to_do(
    bucket: Bucket, tmp_path: Path
) -> None:
    objects, missing = Objects(bucket.url), Objects("s3://no-such-bucket/shared")
    (tmp_path / "file").write_text("lost to nobody")
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/shared could not be .* bucket does not exist"):
        missing.write("name", b"")
    with bucket.away():
        with pytest.raises(StoreError, match=r"shared could not be .*connect.*AWS_ENDPOINT_URL") as caught:
            objects.upload(tmp_path / "file", "name")
        assert SECRET not in str(caught.value)
    assert objects.read("name") is None


def test_a_bucket_is_not_shared_without_the_databases(
    bucket: Bucket, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgres.new_schema()
    for variable, file in (("STILLHOUSE_LEDGER", "ledger"), ("STILLHOUSE_REGISTRY", "registry")):
        with pytest.raises(StoreError, match=rf"{file}\.sqlite is not: .* PostgreSQL URL"):
            check_shared()
        monkeypatch.setenv(variable, where)
    check_shared()
    assert Objects(bucket.url).read("stillhouse")
