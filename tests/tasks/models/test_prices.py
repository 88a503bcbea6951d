import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import Answer, Request
from tasks.models.prices import Price, StatedPrice, Tokens, dollars, most_input_tokens, priced
from tasks.rows import Message

MINI = Price("gpt-4o-mini", "openai", None, None)
SONNET = Price("claude-sonnet-4-5", "anthropic", None, None)
SOL = Price("gpt-5.6", "openai", None, None)
STATED = Price("m", "openai", "http://localhost:8000/v1", StatedPrice(input_usd=2, output_usd=10, cached_usd=0.5))
TEXTS = st.text() | st.text(alphabet="🏕️👨‍👩‍👧‍👦退货请求帳篷é \n")
USD = st.floats(0, 1000) | st.none()


def request(*texts: str, schema: dict[str, object] | None = None) -> Request:
    messages = [Message(role="user", content=text) for text in texts]
    return Request(messages=messages, max_output_tokens=100, output_schema=schema)


def test_a_listed_price_is_known_by_the_models_name() -> None:
    assert MINI.known
    assert MINI.cost(Tokens(1000, 100)) == 1000 * 150 + 100 * 600
    assert MINI.cost(Tokens(1000, 100, cached=400)) == 600 * 150 + 400 * 75 + 100 * 600


def test_a_dated_name_has_its_models_price() -> None:
    assert Price("gpt-4o-mini-2024-07-18", "openai", None, None).cost(Tokens(1000, 100)) == MINI.cost(Tokens(1000, 100))


def test_reading_from_a_cache_is_cheap_and_writing_to_it_is_not() -> None:
    assert SONNET.cost(Tokens(1000, 100)) == 1000 * 3000 + 100 * 15_000
    assert SONNET.cost(Tokens(1000, 100, cached=600)) == 400 * 3000 + 600 * 300 + 100 * 15_000
    assert SONNET.cost(Tokens(1000, 100, cache_write=600)) == 400 * 3000 + 600 * 3750 + 100 * 15_000


def test_openai_bills_what_it_writes_to_its_cache_where_the_list_says_so() -> None:
    fresh, written = SOL.cost(Tokens(1000, 100)), SOL.cost(Tokens(1000, 100, cache_write=1000))
    assert fresh is not None
    assert written is not None
    assert written > fresh


def test_a_known_address_has_its_own_list() -> None:
    assert Price("gpt-4o-mini", "openai", "https://api.openai.com/v1", None).known
    assert Price("meta-llama/Llama-3.3-70B-Instruct-Turbo", "openai", "https://api.together.xyz/v1", None).known


@pytest.mark.parametrize(
    ("model", "base_url"),
    [("no-such-model", None), ("gpt-4o-mini", "http://localhost:8000/v1"), ("gpt-4o-mini", "https://shop.example/v1")],
)
def test_what_nobody_lists_has_no_price(model: str, base_url: str | None) -> None:
    price = Price(model, "openai", base_url, None)
    assert not price.known
    assert price.cost(Tokens(1000, 100)) is None
    assert price.worst(request("hello"), 100) == 0
    assert priced(Answer(text="a", input_tokens=9), price).nanodollars is None


def test_a_stated_price_is_above_the_list() -> None:
    stated = StatedPrice(input_usd=1, output_usd=4)
    assert Price("gpt-4o-mini", "openai", None, stated).cost(Tokens(1000, 100)) == 1000 * 1000 + 100 * 4000


def test_a_stated_price_without_prices_for_the_cache_is_that_of_its_input_and_a_quarter_more_to_write() -> None:
    price = Price("m", "openai", None, StatedPrice(input_usd=1, output_usd=4))
    assert price.cost(Tokens(1000, 100, cached=300)) == price.cost(Tokens(1000, 100)) == 1_400_000
    assert price.cost(Tokens(1000, 100, cache_write=300)) == 1_475_000
    assert STATED.cost(Tokens(1000, 100, cached=300)) == 700 * 2000 + 300 * 500 + 100 * 10_000


def test_a_stated_price_of_nothing_is_a_known_price() -> None:
    free = Price("m", "openai", "http://localhost:8000/v1", StatedPrice(input_usd=0, output_usd=0))
    assert free.known
    assert free.cost(Tokens(1000, 100)) == 0


def test_nanodollars_are_whole_and_rounded_up() -> None:
    price = Price("m", "openai", None, StatedPrice(input_usd=0.0001, output_usd=0.15))
    assert price.cost(Tokens(1, 0)) == 1
    assert price.cost(Tokens(0, 7)) == 1050
    assert isinstance(MINI.cost(Tokens(3, 0, cached=1)), int)


@pytest.mark.parametrize("price", [MINI, SONNET, SOL, STATED])
def test_more_cached_than_read_costs_something_and_loses_no_answer(price: Price) -> None:
    answer = priced(Answer(input_tokens=100, cached_tokens=90, cache_write_tokens=90), price)
    assert answer.nanodollars == price.cost(Tokens(180, 0, 90, 90))
    assert answer.nanodollars


@pytest.mark.parametrize("price", [MINI, SONNET, SOL])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), share=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_no_answer_costs_more_than_the_worst(price: Price, texts: list[str], share: tuple[float, float]) -> None:
    assert_worst(price, texts, share)


@given(
    prices=st.tuples(st.floats(0, 1000), st.floats(0, 1000), USD, USD),
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    share=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_no_answer_costs_more_than_the_worst_at_any_stated_price(
    prices: tuple[float, float, float | None, float | None], texts: list[str], share: tuple[float, float]
) -> None:
    fresh, output, cached, written = prices
    stated = StatedPrice(input_usd=fresh, output_usd=output, cached_usd=cached, cache_write_usd=written)
    assert_worst(Price("m", "openai", None, stated), texts, share)


def assert_worst(price: Price, texts: list[str], share: tuple[float, float]) -> None:
    read = sum(len(text.encode()) for text in texts)
    cached = int(read * share[0])
    written = int((read - cached) * share[1])
    for output in (0, 57, 100):
        cost = price.cost(Tokens(read, output, cached, written))
        assert cost is not None
        assert cost <= price.worst(request(*texts), 100)


@given(st.lists(TEXTS), TEXTS)
def test_a_schema_and_every_message_count_in_full(texts: list[str], name: str) -> None:
    asked = request(*texts, schema={"properties": {name: {"type": "string"}}})
    assert most_input_tokens(asked) >= sum(len(text.encode()) for text in texts) + len(name)
    assert most_input_tokens(asked) > most_input_tokens(request(*texts))


@pytest.mark.parametrize(
    ("nanodollars", "words"),
    [
        (0, "$0.00"),
        (1_500_000, "$0.0015"),
        (123_456_789, "$0.1235"),
        (10**9, "$1.00"),
        (1_234_567_890_000, "$1,234.57"),
    ],
)
def test_a_person_reads_dollars(nanodollars: int, words: str) -> None:
    assert dollars(nanodollars) == words
