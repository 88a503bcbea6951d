"""A line of a production log: the conversation that was asked, and the answer that it got.

Here is where in a line the request and the response stand: side by side in a log and in gateways' exports, in one in
stored completions and in files for fine-tuning. What their bodies say is read in `bodies.py`.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from tasks.artifacts import digest
from tasks.errors import ProjectError
from tasks.files import Line, describe
from tasks.models.bodies import MESSAGES_FIELDS, read_answer, read_conversation
from tasks.models.request import Answer
from tasks.rows import Message

Match = Literal["conversation", "turns"]

_BODIES = (("request", "response"), ("body", "response"), ("request_body", "response_body"))
_MEND = "Mend the line, or leave it out of the file."


class Logged(NamedTuple):
    """What a line of a log holds: the messages that were asked, system messages among them, and the answer."""

    messages: list[Message]
    answer: Answer


def read_log(line: Line) -> Logged:
    """What a line of a log holds. Raises `ProjectError` naming file, line and field where it is not all text."""
    at = line.where
    try:
        asked, said = _sides(line.value)
        at = f"{line.where}{asked.inside}"
        messages = read_conversation(asked.value)
        at = f"{line.where}{said.inside}"
        return Logged(messages, read_answer(said.value))
    except ValidationError as error:
        raise ProjectError(f"{at}: {describe(error)}. {_MEND}") from error
    except ValueError as error:
        raise ProjectError(f"{at}: {error}. {_MEND}") from error
    except RecursionError as error:
        raise ProjectError(f"{at}: nested too deeply to read. {_MEND}") from error


def fingerprint(messages: Sequence[Message], match: Match) -> str:
    """By what a request finds its answer: a digest of roles and texts, in which white space around a text is nothing.

    Where turns are matched, system messages do not enter.
    """
    turns = [("system" if each["role"] == "developer" else each["role"], each["content"].strip()) for each in messages]
    return digest([turn for turn in turns if match == "conversation" or turn[0] != "system"])


class _Side(NamedTuple):
    """The request or the response of a line, and the field that holds it: empty where the line itself does."""

    field: str
    value: Any

    @property
    def inside(self) -> str:
        return f", in `{self.field}`" if self.field else ""


def _sides(line: Any) -> tuple[_Side, _Side]:
    if not isinstance(line, dict):
        raise ValueError("field `the whole value`: not a JSON object")
    for asked, said in _BODIES:
        if asked in line and said in line:
            return _body(asked, line[asked]), _body(said, line[said])
    match line:
        case {"type": "GENERATION", "input": asked, "output": said}:
            return _input(_parsed("input", asked)), _Side("output", _from_langfuse(line, said))
        case {"object": "response", "input": _, "output": _}:
            return _Side("", line), _Side("", line)
        case {"choices": _}:
            stored = {name: line[name] for name in (*MESSAGES_FIELDS, "input") if name in line}
            return _Side("", stored), _Side("", line)
        case {"input": asked, "output": said}:
            return _input(asked), _Side("output", said)
        case {"messages": asked, "response": said}:
            return _Side("", {"messages": asked}), _body("response", said)
        case {"messages": [*asked, {"role": "assistant"} as said]}:
            return _Side("", {"messages": asked}), _Side(f"messages.{len(asked)}", said)
        case {"messages": _}:
            raise ValueError("field `messages`: it must end with the assistant's message, which is the answer")
        case _:
            raise ValueError(
                "field `the whole value`: neither a `key` with its answer, nor a request beside its response, nor "
                "`messages` that end with the answer"
            )


def _body(field: str, value: Any) -> _Side:
    value = _parsed(field, value)
    if isinstance(value, dict) and "body" in value:  # beside a status, a method, a URL
        return _Side(f"{field}.body", _parsed(f"{field}.body", value["body"]))
    return _Side(field, value)


def _input(value: Any) -> _Side:
    return _Side("input", value) if isinstance(value, dict) else _Side("", {"input": value})


def _parsed(field: str, value: Any) -> Any:
    """A body that was logged as the text that went over the wire, or the value as it is."""
    if not isinstance(value, str):
        return value
    try:
        inner = json.loads(value)
    except json.JSONDecodeError:
        return value
    try:
        json.dumps(inner, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"field `{field}`: holds half a surrogate pair, which is no text") from error
    return inner if isinstance(inner, (dict, list)) else value


def _from_langfuse(line: dict[str, Any], said: Any) -> Any:
    """What a generation put out as a chat completion: its model and its tokens stand beside it."""
    if said is None or (isinstance(said, dict) and "choices" in said):
        return said
    inner = _parsed("output", said)  # a message that was exported as text, unless the text is the answer itself
    message = inner if isinstance(inner, dict) and inner.get("role") == "assistant" else {"content": said}
    used = line.get("usageDetails") or line.get("usage_details")
    counts = used.items() if isinstance(used, dict) else ()
    read, written = (
        sum(count for name, count in counts if part in name and isinstance(count, int)) for part in ("input", "output")
    )
    return {
        "choices": [{"message": message}],
        "model": line.get("model") or line.get("provided_model_name"),
        "usage": {"prompt_tokens": read, "completion_tokens": written},
    }
