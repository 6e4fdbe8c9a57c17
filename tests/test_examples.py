"""The page on scaling out and the examples it names: what they quote exists, and their parts agree with each other."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed.cli.dask_scheduler import main as dask_scheduler
from distributed.cli.dask_worker import main as dask_worker
from typer.testing import CliRunner

from srnet.commands.cli import app

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "book" / "scaling-out.md").read_text(encoding="utf-8")
SBATCH = (EXAMPLES / "slurm" / "study.sbatch").read_text()
DOCKERFILE = (EXAMPLES / "kubernetes" / "Dockerfile").read_text()
OBJECTS = list(yaml.safe_load_all((EXAMPLES / "kubernetes" / "srnet.yaml").read_text()))
DASK = {"scheduler": dask_scheduler, "worker": dask_worker}


def quoted(page: str) -> list[list[str]]:
    """Return the command lines of a page's shell blocks as words, without comments and settings of variables."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [words[1:] if "=" in words[0] else words for words in lines if words]


def pods() -> dict[str, dict[str, Any]]:
    """Return the pod templates by the name of what makes them."""
    made = {each["metadata"]["name"]: each["spec"]["template"] for each in OBJECTS if "template" in each["spec"]}
    assert set(made) == {"srnet-scheduler", "srnet-worker", "srnet-run"}
    return made


def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    return only


def words_of(pod: dict[str, Any]) -> list[str]:
    words = [*container(pod)["command"], *container(pod).get("args", [])]
    assert all(isinstance(word, str) for word in words)
    return words


def found(kind: str) -> dict[str, Any]:
    (only,) = (each for each in OBJECTS if each["kind"] == kind)
    return only


IN_PODS = [words_of(pod) for pod in pods().values()]
IN_SBATCH = [shlex.split(line) for line in SBATCH.splitlines() if line.startswith("srnet ")]
ELSEWHERE = [
    words
    for name in ("README.md", "book/your-own-data.md")
    for words in quoted((ROOT / name).read_text(encoding="utf-8"))
]
COMMANDS = [words for words in (*quoted(PAGE), *IN_PODS, *IN_SBATCH, *ELSEWHERE) if words[0] in ("srnet", "dask")]
COMMANDS += [["srnet", "run", *words[2:]] for words in quoted(PAGE) if words[0] == "sbatch"]  # which passes them on


@cache
def help_of(command: tuple[str, ...]) -> str:
    if command[0] == "dask":
        return DASK[command[1]].get_help(DASK[command[1]].make_context("dask", [], resilient_parsing=True))
    result = CliRunner().invoke(app, [*command[1:], "--help"], terminal_width=200)
    assert result.exit_code == 0, f"{shlex.join(command)}: {result.output}"
    return result.output


def test_there_is_something_to_check() -> None:
    assert {words[1] for words in COMMANDS if words[0] == "srnet"} >= {"plan", "run", "store"}
    assert len([words for words in COMMANDS if words[0] == "dask"]) == 5


@pytest.mark.parametrize("words", COMMANDS, ids=shlex.join)
def test_every_option_that_is_quoted_exists(words: list[str]) -> None:
    length = 3 if words[1] in ("store", "pocket", "data") else 2
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    text = help_of(tuple(words[:length]))
    assert [option for option in options if not re.search(rf"{option}(?![\w-])", text)] == []


def test_commands_and_options_named_in_the_prose_exist() -> None:
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    named = [shlex.split(text) for text in re.findall(r"`(srnet [a-z ]+)`", prose)]
    assert named
    helps = "".join(help_of(tuple(words)) for words in named)
    everything = helps + "".join(help_of(("dask", name)) for name in DASK)
    everything += (EXAMPLES / "slurm" / "cluster.py").read_text() + help_of(("srnet", "plan"))
    options = {word.split()[0] for word in re.findall(r"`(--[a-z][^`]*)`", prose)}
    assert [option for option in sorted(options) if not re.search(rf"{option}(?![\w-])", everything)] == []


def test_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"examples/[\w./-]+", PAGE):
        assert (ROOT / name).exists(), name


def test_slurm_script_passes_what_cluster_py_takes() -> None:
    tree = ast.parse((EXAMPLES / "slurm" / "cluster.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    taken = {ast.literal_eval(call.args[0]) for call in calls if call.func.attr == "add_argument"}  # type: ignore[attr-defined]
    (started,) = re.findall(r"exec python (\S+) ([^;]+);", SBATCH)
    assert (ROOT / started[0]).is_file()
    assert set(re.findall(r"--[\w-]+", started[1])) <= taken


def test_slurm_workers_have_what_the_executor_asks_for() -> None:
    source = (EXAMPLES / "slurm" / "cluster.py").read_text()
    assert '"--resources", "GPU=1"' in source
    assert '"distributed.scheduler.default-task-durations": {"experiment": ' in source
    assert 'PREFIX = "experiment"' in (ROOT / "srnet" / "executor" / "workers.py").read_text()


def test_objects_of_kubernetes_select_their_pods() -> None:
    for each in OBJECTS:
        if each["kind"] == "Deployment":
            selected, labels = each["spec"]["selector"]["matchLabels"], each["spec"]["template"]["metadata"]["labels"]
            assert selected.items() <= labels.items()
    service, labels = found("Service"), {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    assert [name for name in labels if service["spec"]["selector"].items() <= labels[name].items()] == [
        "srnet-scheduler"
    ]
    policy = found("NetworkPolicy")["spec"]
    (source,) = policy["ingress"][0]["from"]
    for chosen in (policy["podSelector"], source["podSelector"]):
        assert all(chosen["matchLabels"].items() <= each.items() for each in labels.values())


def test_ports_and_addresses_of_kubernetes_agree() -> None:
    (port,), (own,) = found("Service")["spec"]["ports"], container(pods()["srnet-scheduler"])["ports"]
    assert port["targetPort"] == own["name"]
    words = words_of(pods()["srnet-scheduler"])
    assert words[words.index("--port") + 1] == str(own["containerPort"])
    address = f"tcp://{found('Service')['metadata']['name']}:{port['port']}"
    assert address in words_of(pods()["srnet-worker"])
    run = words_of(pods()["srnet-run"])
    assert run[run.index("--scheduler") + 1] == address


def test_pods_of_kubernetes_share_what_must_be_shared() -> None:
    claim = found("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    (image,) = {container(pod)["image"] for pod in pods().values()}
    assert f"-t {image} ." in DOCKERFILE
    assert image in PAGE
    mounts = []
    for name in ("srnet-worker", "srnet-run"):
        (volume,), (mount,) = pods()[name]["spec"]["volumes"], container(pods()[name])["volumeMounts"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert mount["name"] == volume["name"]
        mounts.append((mount["mountPath"], container(pods()[name])["env"]))
    assert mounts[0] == mounts[1]
    run = words_of(pods()["srnet-run"])
    assert all(run[run.index(option) + 1].startswith(mounts[0][0]) for option in ("--store", "--data-dir"))


def test_workers_of_kubernetes_have_the_gpu_that_they_declare() -> None:
    worker = pods()["srnet-worker"]
    assert "GPU=1" in words_of(worker)
    assert container(worker)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert [name for name, pod in pods().items() if "nvidia.com/gpu" in str(pod)] == ["srnet-worker"]
    assert {item["metadata"]["name"] for item in OBJECTS if item["kind"] == "Deployment"} >= set(
        re.findall(r"deployment/([\w-]+)", PAGE)
    )


def test_dockerfile_copies_what_there_is() -> None:
    copied = [name for line in re.findall(r"^COPY (.*)", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]]
    assert {"requirements.lock", "pyproject.toml", "srnet"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
