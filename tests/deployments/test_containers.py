"""Recipes for pools whose runs are containers: deployed to a real server, and held against the pools' own templates."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from docker.types import DeviceRequest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL
from prefect.workers.process import ProcessWorker

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
RECIPES: dict[str, dict[str, Any]] = {
    each["name"]: each for each in yaml.safe_load((DEPLOYMENTS / "containers.yaml").read_text())["deployments"]
}
OF_DOCKER = {  # prefect-docker 0.7.4
    *("auto_remove", "command", "container_create_kwargs", "env", "image", "image_pull_policy", "labels", "mem_limit"),
    *("memswap_limit", "name", "network_mode", "networks", "privileged", "registry_credentials", "stream_output"),
    "volumes",
}
OF_KUBERNETES = {  # prefect-kubernetes 0.8.0
    *(
        "annotations",
        "backoff_limit",
        "cluster_config",
        "command",
        "cpu_limit",
        "cpu_request",
        "env",
        "image",
        "labels",
    ),
    *("finished_job_ttl", "image_pull_policy", "job_watch_timeout_seconds", "memory_limit", "memory_request", "name"),
    *("namespace", "pod_watch_timeout_seconds", "service_account_name", "stream_output"),
}


def template(name: str) -> dict[str, Any]:
    return json.loads((DEPLOYMENTS / f"{name}.json").read_text())


def variables(recipe: str) -> dict[str, Any]:
    return RECIPES[recipe]["work_pool"]["job_variables"]


def test_docker_is_told_only_what_its_template_knows() -> None:
    assert variables("support-docker").keys() <= OF_DOCKER
    [request] = variables("support-docker")["container_create_kwargs"]["device_requests"]
    assert DeviceRequest(**request)["Capabilities"] == [["gpu"]]


@pytest.mark.parametrize("name", ["process", "kubernetes"])
def test_a_pool_s_template_fills_every_place_and_asks_for_nothing_else(name: str) -> None:
    given = template(name)
    places = re.findall(r"\{\{ (\w+) \}\}", json.dumps(given["job_configuration"]))
    assert set(places) == given["variables"]["properties"].keys()


def test_kubernetes_is_told_only_what_the_pool_s_template_takes() -> None:
    own = template("kubernetes")["variables"]
    jsonschema.validate(variables("support-kubernetes"), own | {"additionalProperties": False})
    assert own["properties"].keys() - OF_KUBERNETES == {"gpus", "store_claim"}


def test_a_process_pool_with_a_secret_is_the_usual_one_beside() -> None:
    given = template("process")
    assert given["job_configuration"] == ProcessWorker.get_default_base_job_template()["job_configuration"]
    defaults = {name: each["default"] for name, each in given["variables"]["properties"].items() if "default" in each}
    secret = {"OPENAI_API_KEY": "{{ prefect.blocks.secret.openai-api-key }}"}
    assert defaults == {"env": secret, "stream_output": True}


@pytest.mark.parametrize(("package", "known"), [("prefect_docker", OF_DOCKER), ("prefect_kubernetes", OF_KUBERNETES)])
def test_the_published_templates_are_as_they_were(package: str, known: set[str]) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    worker = importlib.import_module(f"{package}.worker")
    kind = worker.DockerWorker if package == "prefect_docker" else worker.KubernetesWorker
    assert kind.get_default_base_job_template()["variables"]["properties"].keys() == known


def test_the_recipes_deploy_with_a_gpu_and_without_a_secret(prefect_server: None) -> None:
    docker = {
        "job_configuration": {each: f"{{{{ {each} }}}}" for each in OF_DOCKER},
        "variables": {"type": "object", "properties": {each: {} for each in OF_DOCKER}},
    }
    with get_client(sync_client=True) as client:
        for kind, given in (("docker", docker), ("kubernetes", template("kubernetes"))):
            client.create_work_pool(WorkPoolCreate(name=f"stillhouse-{kind}", type=kind, base_job_template=given))
        command = ["-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "deployments/containers.yaml"]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=DEPLOYMENTS.parent,
            env=os.environ | {"PREFECT_API_URL": PREFECT_API_URL.value() or ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for name, recipe in RECIPES.items():
            deployed = client.read_deployment_by_name(f"distill/{name}")
            assert deployed.job_variables == recipe["work_pool"]["job_variables"]
            assert deployed.work_pool_name == recipe["work_pool"]["name"]
            assert deployed.pull_steps == [
                {"prefect.deployments.steps.set_working_directory": {"directory": "/stillhouse"}}
            ]
            assert "prefect.blocks" not in deployed.model_dump_json()
