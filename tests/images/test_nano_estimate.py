import pytest

from tests.images.nano_estimate import (
    CLOCK_HZ,
    FAST_IPC,
    MODELS,
    SLOW_IPC,
    Cost,
    camera,
    live,
    live_with_camera,
    per_frame,
    recorded,
    tables,
)


def straight(millions: float, start: float = 7.0) -> dict[int, float]:
    return {frames: start + millions * frames for frames in (50, 100, 150)}


COUNTS = {
    "decode": straight(5),
    "face": straight(1),
    "clip": straight(2),
    "pulse": straight(0.5),
    "infer colours": straight(0.25),
    **{f"infer {model}": straight(10 * number) for number, model in enumerate(MODELS, 1)},
    **{f"live infer {model}": straight(20 * number) for number, model in enumerate(MODELS, 1)},
    "live all": straight(30),
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


def test_a_recorded_frame_goes_through_every_stage_and_one_model() -> None:
    assert recorded(COUNTS, "teacher").millions == pytest.approx(5 + 1 + 2 + 0.5 + 0.25 + 20)


def test_another_model_live_changes_inference_alone() -> None:
    assert live(COUNTS, "student").millions == pytest.approx(30)
    assert live(COUNTS, "teacher").millions == pytest.approx(30 - 20 + 40)


def test_live_from_a_camera_costs_the_pictures_too() -> None:
    assert camera(COUNTS).millions == pytest.approx(7)
    assert live_with_camera(COUNTS).millions == pytest.approx(37)


def test_the_tables_tell_both_ends_of_the_range_beside_the_paper() -> None:
    told = tables(COUNTS)
    cost = recorded(COUNTS, "teacher")
    assert f"| teacher | 28.75 | {cost.fps(SLOW_IPC):.0f} to {cost.fps(FAST_IPC):.0f} | 2 |" in told
    assert "| decode | 5.00 | 4.37 to 2.19 |" in told
    assert "37.00 million" in told
