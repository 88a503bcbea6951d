"""A line of a production log: the conversation that was asked, and the answer that it got.

Read are bodies of OpenAI's Chat Completions and Responses and of Anthropic's Messages, as they stand side by side in a
log, in gateways' exports, in stored completions and in files for fine-tuning. Only text can be replayed.
"""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from tasks.artifacts import digest
from tasks.errors import ProjectError
from tasks.files import Line, describe
from tasks.models.anthropic import read_message
from tasks.models.openai import read_chat, read_response
from tasks.models.request import Answer
from tasks.rows import Message

Match = Literal["conversation", "turns"]

_BODIES = (("request", "response"), ("body", "response"), ("request_body", "response_body"))
_STORED_MESSAGES = ("messages", "input_messages", "request_messages", "input")
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
        messages = _Asked.model_validate(asked.value).conversation()
        at = f"{line.where}{said.inside}"
        return Logged(messages, _answer(said.value))
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
            return _Side("", {name: line[name] for name in _STORED_MESSAGES if name in line}), _Side("", line)
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
    read, written = ([count for name, count in counts if part in name] for part in ("input", "output"))
    return {
        "choices": [{"message": message}],
        "model": line.get("model") or line.get("provided_model_name"),
        "usage": {"prompt_tokens": _sum(read), "completion_tokens": _sum(written)},
    }


def _sum(counts: list[Any]) -> int:
    return sum(count for count in counts if isinstance(count, int))


def _answer(said: Any) -> Answer:
    match said:
        case {"error": error} if error:
            raise ValueError(f"field `error`: the request failed, so there is no answer (found {str(error)[:80]!r})")
        case {"choices": _}:
            shape, read = _Completion, read_chat
        case {"output": _}:
            shape, read = _Response, read_response
        case {"type": "message"} | {"stop_reason": _}:
            shape, read = _Message, read_message
        case {"role": _}:
            shape, read, said = _Completion, read_chat, {"choices": [{"message": said}]}
        case _:
            raise ValueError(
                "no answer that can be read: neither a chat completion (`choices`), nor a response (`output`), nor a "
                "message (`content`, `stop_reason`)"
            )
    body = shape.model_validate(said)
    return read(body.model_dump()).model_copy(update={"request_id": body.id or ""})


def _as_parts(content: object) -> object:
    if content is None:
        return []
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _as_messages(asked: object) -> object:
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    if isinstance(asked, list):  # what a model thought before is no part of what was said
        return [each for each in asked if not (isinstance(each, dict) and each.get("type") == "reasoning")]
    return asked


def _absent(value: object) -> object:
    if value:
        raise ValueError("only text that stands in the line can be replayed")
    return value


_Absent = Annotated[Any, AfterValidator(_absent)]
_Tokens = Annotated[int, Field(ge=0)] | None


class _Shape(BaseModel):
    """What is read of a body; all else in it is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Text(_Shape):
    type: Literal["text"]
    text: str


class _InputText(_Shape):
    type: Literal["input_text"]
    text: str


class _OutputText(_Shape):
    type: Literal["output_text"]
    text: str


class _Refusal(_Shape):
    type: Literal["refusal"]
    refusal: str


class _Thinking(_Shape):
    type: Literal["thinking"]
    thinking: str


class _Redacted(_Shape):
    type: Literal["redacted_thinking"]


_Part = Annotated[_Text | _InputText | _OutputText | _Refusal | _Thinking | _Redacted, Field(discriminator="type")]
_Block = Annotated[_Text | _Thinking | _Redacted, Field(discriminator="type")]
_Output = Annotated[_OutputText | _Refusal, Field(discriminator="type")]
_Content = Annotated[list[_Part], BeforeValidator(_as_parts)]


def _text(content: list[Any]) -> str:
    """The text in the parts of a message; what was thought is no part of it."""
    return "".join(getattr(part, "text", "") or getattr(part, "refusal", "") for part in content)


class _Spoken(_Shape):
    """What every chat message may have, whoever speaks."""

    refusal: str | None = None
    tool_calls: _Absent = None
    function_call: _Absent = None
    audio: _Absent = None


class _Turn(_Spoken):
    type: Literal["message"] = "message"
    role: Literal["system", "developer", "user", "assistant"]
    content: _Content = []
    content_parts: _Content = []

    def message(self) -> Message:
        return Message(role=self.role, content=_text(self.content or self.content_parts) or self.refusal or "")


class _Asked(_Shape):
    """The body of a request to any of the three APIs."""

    messages: list[_Turn] | None = Field(
        default=None, validation_alias=AliasChoices("messages", "input_messages", "request_messages"), min_length=1
    )
    input: Annotated[list[_Turn], BeforeValidator(_as_messages)] | None = Field(default=None, min_length=1)
    system: _Content = []
    instructions: _Content = []
    previous_response_id: _Absent = None
    conversation_id: _Absent = Field(default=None, validation_alias="conversation")
    prompt: _Absent = None

    @model_validator(mode="after")
    def _asks(self) -> "_Asked":
        if self.messages is None and self.input is None:
            raise ValueError("neither `messages` nor `input`, so it is not known what was asked")
        return self

    def conversation(self) -> list[Message]:
        """Every message, the system's first."""
        system = _text(self.system or self.instructions)
        turns = [turn.message() for turn in self.messages or self.input or []]
        return [Message(role="system", content=system), *turns] if system else turns


class _Details(_Shape):
    cached_tokens: _Tokens = None
    reasoning_tokens: _Tokens = None
    thinking_tokens: _Tokens = None


class _Usage(_Shape):
    prompt_tokens: _Tokens = None
    completion_tokens: _Tokens = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens: _Tokens = None
    output_tokens: _Tokens = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    cache_read_input_tokens: _Tokens = None
    cache_creation_input_tokens: _Tokens = None


class _Body(_Shape):
    """What the bodies of all responses have in common."""

    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None


class _Completed(_Spoken):
    content: Annotated[list[_Text], BeforeValidator(_as_parts)] = []
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(_Shape):
    message: _Completed
    finish_reason: str | None = None


class _Completion(_Body):
    """A chat completion."""

    choices: list[_Choice] = Field(min_length=1, max_length=1)


class _Summary(_Shape):
    text: str


class _ReasoningItem(_Shape):
    type: Literal["reasoning"]
    summary: list[_Summary] = []


class _MessageItem(_Shape):
    type: Literal["message"]
    content: list[_Output]


class _Incomplete(_Shape):
    reason: str | None = None


class _Response(_Body):
    """A response of the Responses API."""

    status: Literal["completed", "incomplete"]
    output: list[Annotated[_MessageItem | _ReasoningItem, Field(discriminator="type")]]
    incomplete_details: _Incomplete | None = None


class _Message(_Body):
    """A message of Anthropic's."""

    content: list[_Block]
    stop_reason: str | None = None
