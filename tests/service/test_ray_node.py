from pathlib import Path

import pytest
from pydantic import ValidationError

from service.ray_node import this_node
from service.settings import Settings
from tests.service.pool import pids, task
from tests.service.server import VIDEO
from tests.service.standin import SPEC


def test_a_process_keeps_one_worker_for_all_its_tasks(tmp_path: Path) -> None:
    (tmp_path / "video").write_bytes(VIDEO)
    given = Settings(model_store=tmp_path, data_dir=tmp_path).model_dump_json(exclude_unset=True)
    node = this_node(given, SPEC)
    try:
        assert node.runner.run(node.pool.run(task(tmp_path))).body.startswith(b'{"bpm":72.0')
        first = pids()
        assert this_node(given, SPEC) is node
        assert node.runner.run(node.pool.run(task(tmp_path))).body.startswith(b'{"bpm":72.0')
        assert len(first) == 1
        assert pids() == first
    finally:
        node.runner.run(node.pool.stop())
        node.runner.close()
        this_node.cache_clear()


def test_settings_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValidationError):
        this_node('{"worker_memory_mb": 1}')
