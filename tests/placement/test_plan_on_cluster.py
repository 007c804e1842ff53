"""A plan whose runs are done on a cluster says what it says without one, to the byte."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.scale.cluster import Cluster, send
from tests.running_line import ROOT, TIMEOUT_S, command

_WORDS = (
    *("plan", "--anyway", "--duration=5", "--belt-speed=0.5,1,2", "--workers=1,2", "--draws=20"),
    *("--infeed=600", "--recovery=0.5"),
)


def test_the_results_are_the_local_ones_though_a_node_dies(
    cluster: Cluster, profile_file: Path, tmp_path: Path
) -> None:
    words = (*_WORDS, f"--profile={profile_file}")
    here, there = tmp_path / "here", tmp_path / "there"
    assert command(*words, f"--out={here}", "--jobs=1").returncode == 0
    on_ray = ("--placement=ray", "--set", f"placement.address={cluster.address}")
    with subprocess.Popen(
        [sys.executable, "run_line.py", *words, *on_ray, f"--out={there}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as planning:
        victim = cluster.raylets()[-1]
        try:
            planning.wait(6)  # so that jobs are under way; how many does not matter
        except subprocess.TimeoutExpired:
            send(victim, signal.SIGKILL)
        said, _ = planning.communicate(timeout=TIMEOUT_S)
    if planning.returncode == 0 and victim not in cluster.raylets():
        cluster.add_node()
    assert planning.returncode == 0, said
    assert (there / "plan.csv").read_bytes() == (here / "plan.csv").read_bytes()
    assert (there / "plan.html").read_bytes() == (here / "plan.html").read_bytes()
