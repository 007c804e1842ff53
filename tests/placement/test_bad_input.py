"""What cannot be placed is said in one line, before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.scale.cluster import Cluster
from line.config import load
from line.errors import BadInput
from tests.ports import free_port
from tests.running_line import ROOT, command

_WITHOUT = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ray":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from commands.command_line import run_command
sys.exit(run_command(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "words", ["run --set placement.kind=ray", "plan --anyway --placement=ray --profile=PROFILE"]
)
def test_a_python_without_ray_is_told_what_brings_it(words: str, profile_file: Path) -> None:
    words = words.replace("PROFILE", str(profile_file))
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *words.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1:] == [
        "error: placement.kind = \"ray\": No module named 'ray'; "
        "install it with: pip install -r requirements/ray.txt"
    ]
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("placement.kind=dask", "placement.kind"),
        ("placement.cpus=0", "placement.cpus"),
        ("placement.address=there", "placement.address: must be auto, local"),
        ("placement.resources={camera_room = 0}", "placement.resources"),
        ("transport.keys=keys", "transport.keys: must be empty"),
    ],
)
def test_a_setting_that_cannot_be_is_named(given: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        load(environment={}, assignments=["placement.kind=ray", given])


def complaint_of(tmp_path: Path, *settings: str) -> str:
    """The only line of a run that is refused."""
    given = [text for each in ("placement.kind=ray", *settings) for text in ("--set", each)]
    ended = command("run", "--quiet", "--run-dir", tmp_path / "run", *given)
    assert ended.returncode == 2, ended.stderr
    assert not (tmp_path / "run").exists()
    (line,) = ended.stderr.strip().splitlines()
    return line


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_at_which_nobody_answers_is_named(scheme: str, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the cluster is NOT tested: ray is not installed")
    address = f"{scheme}127.0.0.1:{free_port()}"
    said = complaint_of(tmp_path, f"placement.address={address}", "placement.connect_s=1")
    assert f"placement.address: nobody answers at {address} within 1 s" in said


def test_a_cluster_without_room_says_how_much_it_has(cluster: Cluster, tmp_path: Path) -> None:
    wanted = (f"placement.address={cluster.address}", "line.workers=5")
    said = complaint_of(tmp_path, *wanted, "placement.too_few=refuse")
    assert "line.workers: 5 are wanted, and the cluster's 3 nodes have room for 2" in said
    said = complaint_of(tmp_path, *wanted, "placement.resources={camera_room = 1}")
    assert "room for 0, at 1 CPU, 1 camera_room each" in said
