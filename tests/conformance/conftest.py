from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.service import Service, started

HERE = Path(__file__).parent
ELSEWHERE = ("http_proxy", "https_proxy", "all_proxy", "ssl_cert_dir")  # in either case


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these tests alone unless they are asked for: their clients are a group of their own."""
    marks = config.option.markexpr.replace("not conformance", "")
    asked = "conformance" in marks or any("conformance" in each for each in config.args)
    return None if asked or HERE not in collection_path.parents else True


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that knows one key."""
    with started(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def small_service(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """A service for accounts of the smallest plan: two contexts at once, twenty sockets."""
    with started(tmp_path_factory.mktemp("small"), "--plan", "free") as service:
        trust(service, monkeypatch)
        yield service


@pytest.fixture(autouse=True)
def _trusted(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(service, monkeypatch)


def trust(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that the docs tell users to set, and none that lead elsewhere."""
    for name in list(os.environ):
        if name.lower() in ELSEWHERE or name.startswith("CARTESIA_"):
            monkeypatch.delenv(name)
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
