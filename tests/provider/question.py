"""A request without its wire format, and what may be wrong with it."""

import hashlib
import json
from typing import Any, Literal, NamedTuple

Cause = Literal[
    "malformed",
    "unauthorized",
    "no_such_model",
    "no_such_object",
    "exists",
    "too_large",
    "context_too_long",
    "schema_rejected",
    "temperature_rejected",
    "no_credit",
    "rate_limited",
    "error",
    "overloaded",
    "outage",
]


class Problem(Exception):
    """Why a request gets an error; each service words the cause its own way from the facts."""

    def __init__(self, cause: Cause, retry_after_seconds: float | None = None, **facts: object) -> None:
        super().__init__(cause, facts)
        self.cause, self.retry_after_seconds, self.facts = cause, retry_after_seconds, facts


class Question(NamedTuple):
    """What is asked, whichever API it came through."""

    model: str
    system: str
    texts: list[str]
    last_user: str
    schema: dict[str, Any] | None
    thinks: bool
    shows_thinking: bool
    temperature: float | None
    max_output_tokens: int | None
    caches_system: bool

    @property
    def input_tokens(self) -> int:
        """Tokens of all messages, the system prompt among them."""
        count = len(self.texts) + bool(self.system)
        return (len(self.system.encode()) + sum(len(text.encode()) for text in self.texts) + 3) // 4 + 3 * count


def tokens(text: str) -> int:
    """About as many tokens as a tokenizer would find: one for four bytes."""
    return (len(text.encode()) + 3) // 4


def digest(body: dict[str, Any]) -> str:
    """The same for the same request, whatever the order of its keys."""
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    ).hexdigest()


def parsed(raw: bytes) -> dict[str, Any]:
    """The body of a request; raises Problem where it is no JSON object."""
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Problem("malformed", detail="We could not parse the JSON body of your request.", param=None)
    return body


def required(body: dict[str, Any], name: str, kind: type) -> Any:
    """The field's value; raises Problem where it is missing or of another type."""
    if not isinstance(body.get(name), kind) or not body[name]:
        raise Problem("malformed", detail=f"{name}: a {kind.__name__} is required", param=name)
    return body[name]


def optional(body: dict[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """The field's value or None; raises Problem where it is of another type."""
    if body.get(name) is not None and not isinstance(body[name], kind):
        raise Problem("malformed", detail=f"{name}: the value is of the wrong type", param=name)
    return body.get(name)


def plain(content: Any, param: str) -> str:
    """The text of a message's content, which is a string, a list of parts or nothing."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        return "".join(str(part.get("text", "")) for part in content)
    raise Problem("malformed", detail=f"{param}: expected a string or a list of parts", param=param)


def said(messages: list[Any], param: str) -> list[tuple[str, str]]:
    """Role and text of every message."""
    if not all(isinstance(message, dict) and "content" in message for message in messages):
        raise Problem("malformed", detail=f"{param}: every message needs a role and content", param=param)
    return [(message.get("role", "user"), plain(message["content"], param)) for message in messages]


def question(turns: list[tuple[str, str]], **rest: Any) -> Question:
    """A question from a conversation whose system prompts may stand anywhere in it."""
    system = "\n\n".join(text for role, text in turns if role in ("system", "developer"))
    texts = [text for role, text in turns if role not in ("system", "developer")]
    last_user = next((text for role, text in reversed(turns) if role == "user"), "")
    return Question(system=system, texts=texts, last_user=last_user, **rest)
