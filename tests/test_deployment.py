"""Files of the deployment say the same things: commands, versions, packages, assets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import gitslice
import gs
from gitslice.ops import run

REPOSITORY = Path(__file__).resolve().parent.parent
KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
VENDOR = REPOSITORY / "static" / "vendor"
WORKERS = {"worker": "celery", "webhooks": "webhooks"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    names = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted(names) == sorted({file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"})
    return [one for name in names for one in yaml.safe_load_all((KUBERNETES / name).read_text())]


def deployments(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == "Deployment"}


def unit(name: str) -> list[str]:
    text = (REPOSITORY / "deploy" / "systemd" / f"gitslice-{name}.service").read_text()
    found = re.search(r"^ExecStart=/srv/gitslice/venv/bin/(.*)$", text, re.M)
    assert found
    return found[1].replace("%%", "%").removesuffix(" --pidfile=").split()


@pytest.mark.parametrize("name", ["web", "worker", "webhooks", "beat"])
def test_parts_are_started_alike_everywhere(name, compose, manifests):
    container = deployments(manifests)[name]["spec"]["template"]["spec"]["containers"][0]
    assert compose[name]["command"] == container["args"] == unit(name)
    role = [variable["value"] for variable in container["env"] if variable["name"] == "GITSLICE_ROLE"]
    assert role == [compose[name]["environment"]["GITSLICE_ROLE"]]


@pytest.mark.parametrize(("name", "queue"), WORKERS.items())
def test_workers_are_started_as_make_run_does(name, queue, compose):
    command = compose[name]["command"]
    assert command[command.index("--queues") + 1] == queue
    own = {word for word in (run.WEBHOOKS if name == "webhooks" else run.WORKER) if word.startswith("--")}
    assert own - {"--quiet"} <= set(command)


def test_selectors_fit_their_pods(manifests):
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in deployments(manifests).values()]
    for one in manifests:
        if one["kind"] in ("Deployment", "PodDisruptionBudget"):
            wanted = one["spec"]["selector"]["matchLabels"]
        elif one["kind"] == "Service":
            wanted = one["spec"]["selector"]
        else:
            continue
        assert sum(wanted.items() <= labels.items() for labels in pods) == 1, one["metadata"]["name"]


def test_pods_and_services_are_confined(compose, manifests):
    for service in compose.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["deploy"]["resources"]["limits"]["memory"]
    assert not set(compose["nginx"]["networks"]) & set(compose["postgresql"]["networks"])
    for one in manifests:
        if one["kind"] not in ("Deployment", "Job"):
            continue
        pod = one["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        for container in pod["containers"] + pod.get("initContainers", []):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_there_is_one_version(compose, manifests):
    version = gitslice.__version__
    assert gs.__version__ == version
    assert f"\nARG VERSION={version}\n" in (REPOSITORY / "Dockerfile").read_text()
    assert compose["web"]["image"] == f"gitslice:{version}"
    assert yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"][0]["newTag"] == version
    assert f"migrate-{version.replace('.', '-')}" in [one["metadata"]["name"] for one in manifests]
    assert (REPOSITORY / "CHANGELOG.md").read_text().startswith(f"# Changes\n\n## {version} ")


def pins(file: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([^\s;]+)", (REPOSITORY / file).read_text(), re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_what_is_required_is_locked(name):
    assert pins(f"{name}.txt").items() <= pins(f"{name}.lock").items(), "run make lock"


def test_locks_agree_and_have_digests():
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()
    for name in ("requirements", "requirements-dev", "requirements-pip"):
        entries = re.split(r"\n(?=[\w.-]+==)", (REPOSITORY / f"{name}.lock").read_text())[1:]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries)


def test_every_vendored_file_is_listed_with_its_licence():
    listed = json.loads((VENDOR / "vendored.json").read_text())
    files = {name for part in listed for name in (*part["files"], part["licence_file"])}
    there = {str(file.relative_to(VENDOR)) for file in VENDOR.rglob("*") if file.is_file()}
    assert files == there - {"vendored.json"}
    assert "Lucide 1.62.0" in (VENDOR / "lucide" / "icons.svg").read_text()[:200]
    assert {part["name"]: part["version"] for part in listed}["lucide-static"] == "1.62.0"


def test_the_probe_of_a_worker_sees_its_silence(tmp_path):
    probe = [sys.executable, REPOSITORY / "deploy" / "probe", "worker"]
    alive = tmp_path / "alive"
    environment = {"WORKER_ALIVE_FILE": str(alive)}
    assert subprocess.run(probe, env=environment, capture_output=True).returncode == 1
    alive.touch()
    assert subprocess.run(probe, env=environment).returncode == 0
