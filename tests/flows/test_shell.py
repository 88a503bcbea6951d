import gc
from contextlib import suppress

import pytest

from flows.shell import importing


@pytest.mark.parametrize("fails", [False, True])
def test_the_collector_is_let_go_for_imports_alone_and_looks_at_nothing_of_them_again(fails: bool) -> None:
    before = gc.get_freeze_count()
    with suppress(ImportError), importing():
        assert not gc.isenabled()
        if fails:
            raise ImportError
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()  # as the other tests know it
