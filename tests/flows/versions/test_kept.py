from hypothesis import given
from hypothesis import strategies as st

from flows.versions.kept import named, reached

NAMES = st.sampled_from([f"{number:064x}" for number in range(12)])
GRAPHS = st.dictionaries(NAMES, st.frozensets(NAMES, max_size=4), max_size=12)


@given(GRAPHS, st.frozensets(NAMES))
def test_what_is_reached_holds_what_is_wanted_and_all_that_it_stands_on_and_no_more(
    needs: dict[str, frozenset[str]], wanted: frozenset[str]
) -> None:
    found = reached(needs, wanted)
    assert found >= wanted & needs.keys()
    assert all(needs[each] & needs.keys() <= found for each in found)
    assert all(each in wanted or any(each in needs[other] for other in found - {each}) for each in found)
    assert reached(needs, found) == found


def test_a_json_text_names_fingerprints_wherever_they_stand() -> None:
    first, second = "a" * 64, "0" * 64
    assert named(f'{{"made": {{"kept": "{first}"}}, "rows": ["{second}", "{"b" * 63}", "x{"c" * 64}"]}}') == {
        first,
        second,
    }
