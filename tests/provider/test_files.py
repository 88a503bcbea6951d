import asyncio
from typing import Any

import pytest
from openai import AuthenticationError, NotFoundError

from tests.provider.clients import Talk, talk

LINES = b'{"custom_id": "a"}\n{"custom_id": "b"}\n'


async def upload(clients: Talk, name: str = "lines.jsonl", content: bytes = LINES) -> Any:
    return await clients.openai.files.create(file=(name, content), purpose="batch")


def test_what_is_uploaded_comes_back_byte_for_byte() -> None:
    async def ask() -> tuple[Any, Any, bytes]:
        async with talk() as clients:
            file = await upload(clients)
            return (
                file,
                await clients.openai.files.retrieve(file.id),
                (await clients.openai.files.content(file.id)).read(),
            )

    file, retrieved, content = asyncio.run(ask())
    assert content == LINES
    assert retrieved == file
    assert (file.filename, file.purpose, file.bytes, file.status) == ("lines.jsonl", "batch", len(LINES), "processed")


def test_files_are_listed_over_several_pages_the_newest_first() -> None:
    async def ask() -> list[str]:
        async with talk() as clients:
            for at in range(5):
                await upload(clients, str(at))
            return [file.filename async for file in clients.openai.files.list(limit=2)]

    assert asyncio.run(ask()) == ["4", "3", "2", "1", "0"]


def test_a_deleted_file_is_gone() -> None:
    async def ask() -> list[Any]:
        async with talk() as clients:
            file = await upload(clients)
            assert (await clients.openai.files.delete(file.id)).deleted
            with pytest.raises(NotFoundError, match="No such File object"):
                await clients.openai.files.content(file.id)
            return [each async for each in clients.openai.files.list()]

    assert asyncio.run(ask()) == []


def test_a_key_that_is_not_let_in_uploads_nothing() -> None:
    async def ask() -> int:
        async with talk(api_keys=("another",)) as clients:
            with pytest.raises(AuthenticationError):
                await upload(clients)
            return len(clients.provider.files.kept)

    assert asyncio.run(ask()) == 0
