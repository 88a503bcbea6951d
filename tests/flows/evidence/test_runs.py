from pathlib import Path

import pytest

from flows.evidence.runs import read_evidence
from tasks.errors import StoreError


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, r"stopped before a student was judged\. Name an earlier one with --version N"),
        ("{", "is damaged: it is no JSON"),
        ('{"schema_version": 99}', "is no evidence of schema version 2 or older"),
    ],
)
def test_evidence_that_cannot_be_read_says_why(tmp_path: Path, written: str | None, said: str) -> None:
    if written is not None:
        (tmp_path / "evidence.json").write_text(written)
    with pytest.raises(StoreError, match=said):
        read_evidence(tmp_path)
