"""The cluster that the tests of this folder share; they kill some of its nodes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.scale.cluster import Cluster, NoCluster
from tests.hand_made_profile import hand_made_profile
from tests.ports import free_port


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    try:
        opened = Cluster(free_port())
    except NoCluster as error:
        pytest.skip(f"the cluster is NOT tested: {error}")
    with opened:
        for _ in range(2):
            opened.add_node()
        yield opened


@pytest.fixture
def profile_file(tmp_path: Path) -> Path:
    path = tmp_path / "profile.json"
    hand_made_profile().store(path)
    return path
