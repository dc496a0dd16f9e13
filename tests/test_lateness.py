"""How late frames come by their own timestamps."""

import pytest

from stream.lateness import DRIFT, SPAN_S, TOLD_S, Lateness, Reader, Steps


def test_what_comes_at_its_own_pace_is_never_late() -> None:
    lateness = Lateness()
    assert [lateness.of(number / 25, 100 + number / 25) for number in range(50)] == pytest.approx([0.0] * 50, abs=1e-3)


def test_what_waited_on_the_way_is_late_by_its_wait() -> None:
    lateness = Lateness()
    lateness.of(0.0, 100.0)
    assert lateness.of(1.0, 104.0) == pytest.approx(3.0, abs=0.01)
    assert lateness.of(5.0, 105.0) == pytest.approx(0.0, abs=0.01)


def test_a_first_frame_that_came_late_is_no_mark_for_the_others() -> None:
    lateness = Lateness()
    lateness.of(0.0, 103.0)  # waited for 3 s
    lateness.of(3.0, 103.0)  # came at once
    assert lateness.of(4.0, 106.0) == pytest.approx(2.0, abs=0.01)


def test_a_clock_that_runs_slow_for_a_month_is_not_taken_for_lateness() -> None:
    lateness, slow = Lateness(), 1 - DRIFT / 10
    day_s = 86_400
    assert max(lateness.of(slow * hour * 3600, hour * 3600.0) for hour in range(30 * day_s // 3600)) < 0.5


def test_who_keeps_its_own_pace_is_late_for_this_machine_alone() -> None:
    told: list[str] = []
    network, own = Reader(told.append), Reader(told.append, is_paced=True)
    for reader in (network, own):
        for offset_s, arrival_s in ((0.0, 100.0), (0.1, 103.0)):
            reader.took(1.0, 0.01)  # it waits, and is late all the same
            reader.gave(offset_s, arrival_s)
    assert (network.is_too_slow, network.is_hurried) == (False, False)
    assert (own.is_too_slow, own.is_hurried) == (True, True)
    assert told == ["this machine is too slow for it: frames are 2.9 s late, and fewer are used"]


def stepped(used_fps: float, lost_fps: float, age_s: float, length_s: float, fps: float = 10.0) -> list[str]:
    """Return what is told of a model that wants so many frames a second, and whose frames have that age."""
    told: list[str] = []
    steps = Steps(fps, told.append)
    for number in range(int(used_fps * length_s)):
        steps.lost(round(lost_fps * (number + 1) / used_fps) - round(lost_fps * number / used_fps))
        steps.gave(age_s, 100 + number / used_fps)
    return told


def test_steps_that_take_too_long_are_told_with_the_rate_and_how_late_labels_come() -> None:
    assert stepped(2.0, 23.0, 0.7, 2 * SPAN_S) == [
        "this machine is too slow for it: 2.0 of 10.0 frames a second are used, labels come up to 0.7 s late"
    ]
    assert len(stepped(2.0, 23.0, 0.7, 3 * TOLD_S)) == 3


@pytest.mark.parametrize("used_fps, lost_fps", [(10, 0), (3, 0), (6, 19), (3, 2)])
def test_steps_that_keep_up_or_nearly_are_not_told_nor_a_camera_that_is_slow(used_fps: float, lost_fps: float) -> None:
    assert stepped(used_fps, lost_fps, 0.5, 3 * SPAN_S) == []


def test_the_first_step_which_loads_what_it_needs_is_not_counted() -> None:
    told: list[str] = []
    steps = Steps(10.0, told.append)
    steps.lost(200)
    for number in range(100):
        steps.gave(8.0 if number == 0 else 0.1, 100 + number / 10)
    assert told == []
