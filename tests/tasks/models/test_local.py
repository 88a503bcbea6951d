import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ModelUnavailable
from tasks.models import Answer, Local, Request
from tasks.models.chat import prompt_tokens, shared_prefix
from tasks.models.generation import SharedPrefix
from tasks.models.local import BATCH
from tasks.rows import Message

SAID = ["hi", "Where is my tent? " * 9, "boots", "ab" * 40, "hi there", "Is it waterproof?", "hi", "z", "– Fern ☂"]
SYSTEM = "You answer for a shop that sells tents. " * 3
MANY_ENDS = list(range(1, 12))


@pytest.fixture(scope="module")
def talkative(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny Llama with larger weights, so that its choices are clear, and with eleven tokens that end an answer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("talkative")
    model: Any = AutoModelForCausalLM.from_pretrained(tiny_llama)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data.mul_(8)
    model.generation_config.eos_token_id = MANY_ENDS
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_llama).save_pretrained(folder)
    return folder


def local(folder: Path) -> Local:
    return Local.model_validate({"provider": "local", "weights": str(folder)})


def requests(said: Sequence[str], system: str = "", most: int = 24) -> list[Request]:
    before = [Message(role="system", content=system)] if system else []
    return [Request(messages=[*before, Message(role="user", content=text)], max_output_tokens=most) for text in said]


def answers(folder: Path, asked: Sequence[Request]) -> list[Answer]:
    given = {each.position: each.answer for batch in local(folder).answer(asked) for each in batch}
    return [given[position] for position in range(len(asked))]


def said(answer: Answer) -> tuple[str, str, int, str]:
    return answer.text, answer.finish_reason, answer.output_tokens, answer.error


@pytest.mark.parametrize("system", ["", SYSTEM])
def test_answers_are_what_transformers_generates(talkative: Path, system: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(talkative, dtype=torch.float32).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(talkative)
    asked = requests(SAID, system)
    given = answers(talkative, asked)
    for request, answer in zip(asked, given, strict=True):
        tokens = torch.tensor([prompt_tokens(tokenizer, request.messages)])
        whole = model.generate(tokens, do_sample=False, max_new_tokens=request.max_output_tokens)
        new = whole[0, tokens.shape[1] :].tolist()
        ended = new[-1] in MANY_ENDS
        assert answer.text == tokenizer.decode(new[:-1] if ended else new, skip_special_tokens=True).strip()
        assert answer.finish_reason == ("stop" if ended else "length")
        assert (answer.input_tokens, answer.output_tokens) == (tokens.shape[1], len(new) - ended)
    assert {answer.finish_reason for answer in given} == {"stop", "length"}
    assert len({answer.output_tokens for answer in given}) > 2


def test_the_order_of_requests_does_not_matter(talkative: Path) -> None:
    asked = requests([f"{text} {number}" for number in range(8) for text in SAID], SYSTEM, most=6)
    assert len(asked) > BATCH, "more than one batch"
    forwards, backwards = answers(talkative, asked), answers(talkative, asked[::-1])[::-1]
    assert [said(answer) for answer in forwards] == [said(answer) for answer in backwards]


def test_a_row_alone_gets_the_answer_that_it_gets_among_others(talkative: Path) -> None:
    asked = requests(SAID, SYSTEM, most=8)
    together = answers(talkative, asked)
    for request, answer in zip(asked[:4], together, strict=False):
        assert said(answers(talkative, [request])[0]) == said(answer)


def test_long_conversations_go_in_smaller_batches_unless_they_share_what_is_long(talkative: Path) -> None:
    said = [f"{number} " + "x" * 300 for number in range(18)]
    batches = list(local(talkative).answer(requests(said, most=2)))
    assert [len(batch) for batch in batches] == [16, 2]
    assert sorted(each.position for batch in batches for each in batch) == list(range(18))
    assert len(list(local(talkative).answer(requests(SAID, SYSTEM * 9, most=2)))) == 1


def test_an_answer_longer_than_the_room_that_is_kept_for_it_is_the_likeliest_still(talkative: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tasks.models.growing import ROOM_TOKENS

    model: Any = AutoModelForCausalLM.from_pretrained(talkative, dtype=torch.float32).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(talkative)
    prompts = [prompt_tokens(tokenizer, request.messages) for request in requests(SAID[:3])]
    with SharedPrefix(model, prompts) as shared:
        completions = shared.complete(prompts, 2 * ROOM_TOKENS + 3, set())
    for prompt, completion in zip(prompts, completions, strict=True):
        with torch.inference_mode():
            scores = model(torch.tensor([prompt + completion])).logits[0, len(prompt) - 1 : -1]
        assert completion == scores.argmax(-1).tolist()


def test_each_request_has_its_own_limit(talkative: Path) -> None:
    longer, shorter = answers(talkative, [*requests(["ab" * 40], most=20), *requests(["ab" * 40], most=5)])
    assert longer.output_tokens > 5
    assert (shorter.output_tokens, shorter.finish_reason) == (5, "length")
    assert longer.text.startswith(shorter.text[:2])


def test_a_conversation_too_long_for_the_model_is_an_answer_with_an_error(tiny_llama: Path) -> None:
    given = answers(tiny_llama, requests(["hi", "x" * 3000, "ho"], most=2))
    assert [bool(answer.error) for answer in given] == [False, True, False]
    assert given[1].error.startswith("context too long: 30")
    assert given[1].text == given[1].finish_reason == ""


def test_a_conversation_that_fits_by_its_own_limit_is_answered(tiny_llama: Path) -> None:
    nearly = requests(["x" * 1980], most=2)
    assert not answers(tiny_llama, nearly)[0].error
    assert not answers(tiny_llama, [*nearly, *requests(["hi"], most=200)])[0].error


def test_nothing_is_loaded_for_no_requests(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert list(local(tmp_path).answer([])) == []


def test_a_temperature_is_refused(tiny_llama: Path) -> None:
    warm = [request.model_copy(update={"temperature": 0.7}) for request in requests(["hi"])]
    with pytest.raises(ModelUnavailable, match="temperature"):
        answers(tiny_llama, warm)


def test_identity_is_the_weights_and_not_where_they_lie(tiny_llama: Path, talkative: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "copy")
    assert local(tmp_path / "copy").identity() == local(tiny_llama).identity()
    assert local(talkative).identity() != local(tiny_llama).identity()
    assert str(tiny_llama) not in str(local(tiny_llama).identity())


def test_a_model_without_a_chat_template_is_refused(tiny_llama: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_llama, tmp_path / "bare")
    (tmp_path / "bare" / "chat_template.jinja").unlink()
    with pytest.raises(ModelUnavailable, match="no chat template"):
        answers(tmp_path / "bare", requests(["hi"]))


def test_weights_that_do_not_load_are_refused(tiny_llama: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((tiny_llama / "config.json").read_text())
    with pytest.raises(ModelUnavailable, match="does not load"):
        answers(tmp_path, requests(["hi"]))


@pytest.mark.parametrize(
    ("prompts", "shared"),
    [
        ([], 0),
        ([[1]], 0),
        ([[1, 2, 3]], 2),
        ([[1, 2, 3], [1, 2, 4]], 2),
        ([[1, 2, 3], [1, 2]], 1),
        ([[1, 2], [3, 4]], 0),
        ([[5, 1], [5, 2, 9], [5, 1, 7]], 1),
        ([[1, 1], [1, 1]], 1),
    ],
)
def test_a_token_at_least_is_left_to_each_prompt(prompts: list[list[int]], shared: int) -> None:
    assert shared_prefix(prompts) == shared
