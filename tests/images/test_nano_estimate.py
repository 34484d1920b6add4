import pytest

from service.pipeline.infer import WINDOW_CHUNK
from service.pipeline.types import InputSpec
from tests.images.nano_estimate import (
    CLOCK_HZ,
    FAST_IPC,
    SLOW_IPC,
    Cost,
    frames_run,
    live,
    live_programs,
    per_frame,
    recorded,
    tables,
)

PAIRS = InputSpec()
WINDOWS = InputSpec(lag=208, past=182, future=26)


def straight(millions: float, start: float = 7.0) -> dict[int, float]:
    return {frames: start + millions * frames for frames in (50, 100, 150)}


COUNTS = {
    "decode": straight(5),
    "face": straight(1),
    "clip": straight(2),
    "infer": straight(1.5),
    "pulse": straight(0.5),
    "infer student": straight(1),
    "infer teacher": straight(20),
    "live all": straight(30),
    "here all": straight(25),
    "camera": straight(3),
    "jpeg": straight(4),
}


def test_what_was_spent_before_the_first_frame_does_not_count() -> None:
    assert per_frame(straight(2.5, start=1000)) == pytest.approx(2.5)


def test_counts_that_do_not_grow_with_the_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="not in step"):
        per_frame({50: 100.0, 100: 200.0, 150: 400.0})


def test_two_lengths_prove_no_straight_line() -> None:
    with pytest.raises(ValueError, match="three"):
        per_frame({50: 100.0, 100: 200.0})


def test_a_second_of_instructions_takes_a_second() -> None:
    cost = Cost(CLOCK_HZ * 1.6 / 1e6)
    assert cost.ms(1.6) == pytest.approx(1000)
    assert cost.fps(1.6) == pytest.approx(1)
    assert cost.share(1.6, fps=0.5) == pytest.approx(0.5)


def test_fewer_instructions_per_cycle_take_longer() -> None:
    assert Cost(10).ms(SLOW_IPC) == pytest.approx(Cost(10).ms(FAST_IPC) * FAST_IPC / SLOW_IPC)


def test_a_network_of_pairs_runs_on_each_frame_once() -> None:
    assert frames_run(PAIRS) == (1.0, 1.0)


def test_a_network_of_windows_sees_frames_anew() -> None:
    recorded, live = frames_run(WINDOWS)
    assert recorded == pytest.approx((208 + WINDOW_CHUNK) / WINDOW_CHUNK)
    assert live == pytest.approx((208 + 30 + 26) / 30)


def test_a_recorded_frame_goes_through_every_stage_and_one_model() -> None:
    assert recorded(COUNTS, "student", PAIRS).millions == pytest.approx(5 + 1 + 2 + 1.5 + 0.5)
    assert recorded(COUNTS, "teacher", PAIRS).millions == pytest.approx(5 + 1 + 2 + 1.5 + 0.5 - 1 + 20)


def test_another_model_live_changes_inference_alone() -> None:
    assert live(COUNTS, "student", PAIRS).millions == pytest.approx(30)
    assert live(COUNTS, "teacher", WINDOWS).millions == pytest.approx(30 - 1 + 20 * frames_run(WINDOWS)[1])


def test_who_has_the_camera_makes_a_jpeg_for_a_server_alone() -> None:
    alone, client, worker = (cost.millions for cost in live_programs(COUNTS).values())
    assert alone == pytest.approx(3 + 25)
    assert client == pytest.approx(3 + 4)
    assert worker == pytest.approx(30)


def test_the_tables_tell_both_ends_of_the_range_beside_the_paper() -> None:
    told = tables(COUNTS, {"student": PAIRS, "teacher": PAIRS})
    cost = recorded(COUNTS, "teacher", PAIRS)
    assert f"| teacher | 29.00 | {cost.fps(SLOW_IPC):.0f} to {cost.fps(FAST_IPC):.0f} | 2 |" in told
    assert "| decode | 5.00 | 5.00 to 3.50 |" in told
    assert "| a worker of the service | 30.00 | 90 % to 63 % |" in told
