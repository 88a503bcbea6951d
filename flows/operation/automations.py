"""Automations: what a Prefect server does by itself about projects, as deployments/automations.yaml says."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import yaml
from prefect import get_client
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.actions import DoNothing
from prefect.events.schemas.automations import AutomationCore
from pydantic import SecretStr, ValidationError

from tasks.errors import OperationFailed
from tasks.files import describe

_BLOCK = "stillhouse-notify"


def create(file: Path) -> Iterator[str]:
    """Put a file's automations into the server of `PREFECT_API_URL`; says what it does.

    One that is there under its name becomes what the file says. A notification goes where the Apprise URL of
    `STILLHOUSE_NOTIFY` points; without one it goes where it went, and at first nowhere. Raises `OperationFailed` where
    the file is wrong or the server does not take it.
    """
    wanted = read(file)
    try:
        with get_client(sync_client=True) as client:
            block = _block(client)
            for each in wanted:
                yield f"automation: {each['name']} ({_put(client, addressed(each, block))})"
    except httpx.HTTPError as error:
        raise OperationFailed(f"{file}: the Prefect server did not take it: {error}. Is it up?") from error
    if block is None:
        yield "notifications: nowhere; set STILLHOUSE_NOTIFY to an Apprise URL, as json://host/path, and run it again"


def read(file: Path) -> list[dict[str, Any]]:
    """The automations in a file. Raises `OperationFailed` where it holds none."""
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))["automations"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise OperationFailed(f"{file}: no list of automations: {error}. Take deployments/automations.yaml.") from error


def _block(client: SyncPrefectClient) -> UUID | None:
    """The block that sends notifications: by the environment's URL, or the one that is there, or None."""
    if url := os.environ.get("STILLHOUSE_NOTIFY"):
        made = SlackWebhook(url=SecretStr(url)).save(_BLOCK, overwrite=True)  # takes any URL that Apprise knows
        return cast(UUID, made)  # a coroutine only where an event loop runs
    found = client.read_block_documents()
    return next((each.id for each in found if each.name == _BLOCK), None)


def addressed(automation: dict[str, Any], block: UUID | None) -> AutomationCore:
    """The automation with its notifications sent by the block, or not at all."""
    actions = [
        ({**action, "block_document_id": block} if block else DoNothing().model_dump())
        if action["type"] == "send-notification"
        else action
        for action in automation["actions"]
    ]
    try:
        return AutomationCore.model_validate(automation | {"actions": actions})
    except ValidationError as error:
        raise OperationFailed(f"automation {automation['name']}: {describe(error)}") from error


def _put(client: SyncPrefectClient, automation: AutomationCore) -> str:
    """Create it, or make the one of its name the same."""
    known = client.read_automations_by_name(automation.name)
    if not known:
        client.create_automation(automation)
        return "created"
    if AutomationCore.model_validate(known[0].model_dump(include=set(AutomationCore.model_fields))) == automation:
        return "was there"
    client.update_automation(known[0].id, automation)
    return "changed"
