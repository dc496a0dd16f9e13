"""What is played moves as its label says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.play import gestures, motions, sprites
from stream.play.gestures import IGNORE, Script
from stream.play.motions import GESTURES, LABELS, NO_MOTION, OTHER_MOTION
from stream.play.paths import ALPHA, ANGLE, MOVERS, SIZE, Action, Path, X, Y

RATE = 40.0
SEEDS = range(40)


def act(label: str, seed: int) -> Action:
    return motions.act(np.random.default_rng(seed), label, RATE)


def travel(path: Path) -> tuple[float, float]:
    return float(path[-1, X] - path[0, X]), float(path[-1, Y] - path[0, Y])


def turning(path: Path) -> float:
    """Whole turns about the middle, clockwise as seen in a picture whose rows count downward."""
    centre = (path[:, :2].max(axis=0) + path[:, :2].min(axis=0)) / 2
    angles = np.unwrap(np.arctan2(path[:, Y] - centre[1], path[:, X] - centre[0]))
    return float(angles[-1] - angles[0]) / (2 * math.pi)


def reversals(values: Path) -> int:
    steps = np.sign(np.diff(values))
    steps = steps[steps != 0]
    return int((np.diff(steps) != 0).sum())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("label", "axis", "sense"),
    [("swipe left", X, -1), ("swipe right", X, 1), ("swipe up", Y, -1), ("swipe down", Y, 1)],
)
def test_a_swipe_goes_its_way_within_twenty_degrees(label: str, axis: int, sense: int, seed: int) -> None:
    along, across = travel(act(label, seed).path)[axis], travel(act(label, seed).path)[1 - axis]
    assert sense * along > 0.25
    assert abs(across) < math.tan(math.radians(20)) * abs(along)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_push_grows_and_a_pull_shrinks_as_far_as_they_may_drift_over_a_floor(seed: int) -> None:
    push, pull = act("push", seed).path, act("pull", seed).path
    assert 1.2 < push[-1, SIZE] / push[0, SIZE] < 3.1
    assert 1.2 < pull[0, SIZE] / pull[-1, SIZE] < 3.1
    assert np.all(np.diff(push[:, SIZE]) >= -1e-9)
    assert max(map(abs, (*travel(push), *travel(pull)))) < 1.3


@pytest.mark.parametrize("label", ["push", "pull"])
def test_the_feet_of_one_who_walks_keep_to_the_floor_and_the_head_stays_in_the_picture(label: str) -> None:
    walks = [action for action in (act(label, seed) for seed in range(300)) if action.start is not None]
    assert len(walks) > 60
    for action in walks:
        size = action.start[SIZE] * action.path[:, SIZE]
        middle = action.start[Y] + action.path[:, Y]
        assert np.allclose(np.diff(middle, 2) * np.ptp(size), np.diff(size, 2) * np.ptp(middle), atol=1e-6)
        nearest = size.argmax()
        assert -0.5 < (middle - size / 2)[nearest] < 0.5
        assert abs(middle[size.argmin()]) < 0.5
        assert size.max() < 1.5


def test_an_action_that_asks_for_a_place_begins_there() -> None:
    action = next(action for action in (act("pull", seed) for seed in range(99)) if action.start is not None)
    start = gestures._start(
        np.random.default_rng(0), np.array([0, 0, 0.3, 0, 1.0]), action, 0.3, gestures.Script(aspect=1.3)
    )
    assert np.array_equal(start, action.start)


@pytest.mark.parametrize("label", LABELS)
def test_four_quarter_turns_two_mirrors_or_two_reversals_change_no_label(label: str) -> None:
    turned = label
    for _ in range(4):
        turned = motions.turned(turned)
    assert turned == motions.mirrored(motions.mirrored(label)) == label
    assert motions.reversed_in_time(motions.reversed_in_time(label)) == label


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("label", ["swipe left", "swipe up", "push", "circle clockwise"])
def test_a_path_shown_in_a_mirror_turned_or_backwards_is_a_path_of_the_label_that_this_gives(
    label: str, seed: int
) -> None:
    path = act(label, seed).path
    assert told(path * [-1, 1, 1, 1]) == motions.mirrored(label)
    assert told(path[:, [Y, X, SIZE, ANGLE]] * [1, -1, 1, 1]) == motions.turned(label)
    assert told(path[::-1]) == motions.reversed_in_time(label)


def told(path: Path) -> str:
    """Tell a swipe, push, pull or circle from its path alone."""
    growth = path[-1, SIZE] / path[0, SIZE]
    if growth > 1.24 or growth < 1 / 1.24:
        return "push" if growth > 1 else "pull"
    (x, y), turns = travel(path), turning(path)
    if abs(turns) > 0.9:
        return "circle clockwise" if turns > 0 else "circle counter-clockwise"
    return ("swipe right" if x > 0 else "swipe left") if abs(x) > abs(y) else ("swipe down" if y > 0 else "swipe up")


@pytest.mark.parametrize("seed", SEEDS)
def test_circles_turn_at_least_once_in_their_own_sense(seed: int) -> None:
    assert turning(act("circle clockwise", seed).path) > 0.97
    assert turning(act("circle counter-clockwise", seed).path) < -0.97


@pytest.mark.parametrize("seed", SEEDS)
def test_a_wave_goes_to_and_fro_sideways_and_a_nod_up_and_down(seed: int) -> None:
    for label, axis in (("wave", X), ("nod", Y)):
        path = act(label, seed).path
        assert reversals(path[:, axis]) >= 3
        assert np.ptp(path[:, axis]) > 1.5 * np.ptp(path[:, 1 - axis])


@pytest.mark.parametrize("label", LABELS[1:])
def test_every_action_begins_where_the_mover_is(label: str) -> None:
    for seed in SEEDS:
        action = act(label, seed)
        assert np.allclose(action.path[0, [X, Y, ANGLE]], 0, atol=1e-9)
        assert action.path[0, SIZE] == pytest.approx(1)
        assert 0 < action.known <= 1
        assert len(action.others) < MOVERS


def play(seed: int, frames: int = 200, **changes: object) -> gestures.Session:
    return gestures.session(np.random.default_rng(seed), frames, 10.0, Script(**changes))  # type: ignore[arg-type]


def test_the_same_seed_plays_the_same() -> None:
    first, second, other = play(3), play(3), play(4)
    assert np.array_equal(first.movers, second.movers)
    assert first.events == second.events
    assert not np.array_equal(first.movers, other.movers)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 120))
def test_a_session_has_an_answer_and_a_place_for_every_frame(seed: int, frames: int) -> None:
    played = play(seed, frames)
    assert played.labels.shape == (frames,)
    assert played.movers.shape == (MOVERS, frames * 4, 5)
    assert played.camera.shape == (frames * 4, 2)
    assert np.isfinite(played.movers).all()
    assert ((played.labels >= IGNORE) & (played.labels < len(LABELS))).all()
    assert ((played.movers[:, :, ALPHA] >= 0) & (played.movers[:, :, ALPHA] <= 1)).all()
    assert all(event.end_s <= frames / 10 for event in played.events)


@pytest.mark.parametrize("label", LABELS[1:])
def test_the_answer_is_the_action_at_its_end_and_no_motion_long_after(label: str) -> None:
    for seed in range(10):
        played = play(seed, classes=(label,), pause_s=(1.2, 1.5))
        for event in played.events:
            last = min(math.ceil(event.end_s * 10), len(played.labels) - 1)
            assert LABELS[played.labels[last]] == label
            begin = math.ceil(event.begin_s * 10)
            assert played.labels[begin] != LABELS.index(NO_MOTION)
            if last + 9 < len(played.labels):
                assert played.labels[last + 9] == LABELS.index(NO_MOTION)


def test_nothing_moves_while_the_answer_is_no_motion() -> None:
    for seed in range(20):
        played = play(seed)
        for index in np.flatnonzero(played.labels == LABELS.index(NO_MOTION))[1:]:
            ticks = played.movers[:, 4 * index : 4 * index + 4]
            seen = ticks[ticks[:, :, ALPHA].min(axis=1) > 0]
            assert np.ptp(seen, axis=1).max(initial=0) == 0


def test_gestures_stay_in_sight_also_after_the_camera_has_turned() -> None:
    for seed in range(20):
        played = play(seed, 400, classes=(OTHER_MOTION, *GESTURES), size=0.3)
        for event in played.events:
            if event.label in GESTURES:
                path = played.movers[0, round(event.begin_s * 40) : round(event.end_s * 40)]
                is_seen = (np.abs(path[:, X]) < 2 / 3 + 0.15) & (np.abs(path[:, Y]) < 0.65)
                assert is_seen.mean() > 0.5, (seed, event)


def test_dealt_classes_all_come_before_any_comes_again() -> None:
    played = play(5, 1200, classes=GESTURES, is_dealt=True)
    names = [event.label for event in played.events]
    for begin in range(0, len(names) - len(GESTURES) + 1, len(GESTURES)):
        assert set(names[begin : begin + len(GESTURES)]) == set(GESTURES)


def test_a_sprite_lands_where_its_pose_says_and_turns_clockwise() -> None:
    mask = np.zeros((sprites.SPRITE_PX, sprites.SPRITE_PX), np.float32)
    mask[4:16, 28:36] = 1  # at the top of the sprite
    cut = sprites.sprite(mask, np.ones((*mask.shape, 3), np.float32))
    canvas = np.zeros((120, 160, 3), np.float32)
    sprites.paste(canvas, cut, np.array([[0.2, -0.1, 0.5, math.pi / 2, 1.0]]), 4 / 3)
    rows, columns = np.nonzero(canvas[..., 0] > 0.5)
    # a quarter turn clockwise brings the top to the right: 0.5 * (32 - 10) / 64 heights away
    assert columns.mean() == pytest.approx((0.2 + 0.172 + 2 / 3) * 120, abs=1)
    assert rows.mean() == pytest.approx((-0.1 + 0.5) * 120, abs=1)


def test_a_moving_sprite_is_smeared_and_keeps_its_light() -> None:
    mask = sprites.ellipse(np.random.default_rng(0))
    cut = sprites.sprite(mask, np.ones((*mask.shape, 3), np.float32))
    still, moving = np.zeros((100, 100, 3), np.float32), np.zeros((100, 100, 3), np.float32)
    poses = np.array([[x, 0.0, 0.3, 0.0, 1.0] for x in (-0.15, -0.05, 0.05, 0.15)])
    sprites.paste(still, cut, poses[:1], 1.0)
    sprites.paste(moving, cut, poses, 1.0)
    assert (moving > 0.01).sum() > 1.5 * (still > 0.01).sum()
    assert moving.sum() == pytest.approx(still.sum(), rel=0.02)


def test_a_rolling_shutter_leans_what_moves_sideways_and_leaves_what_stands() -> None:
    cut = sprites.sprite(sprites.soft(sprites.capsule(0, -0.9, 0, 0.9, 0.1)), np.ones((64, 64, 3), np.float32))
    pose = np.array([[0.0, 0.0, 0.8, 0.0, 1.0]])

    def columns(lean: float) -> np.ndarray:
        canvas = np.zeros((80, 80, 3), np.float32)
        sprites.paste(canvas, cut, pose, 1.0, np.array([lean, 0.0]))
        return np.array([row @ np.arange(80) / row.sum() for row in canvas[20:60, :, 0]])

    assert np.ptp(columns(0.0)) < 0.01
    assert np.polyfit(np.arange(40), columns(0.3), 1)[0] == pytest.approx(0.3, abs=0.05)


def test_what_the_camera_sees_moves_against_its_turn() -> None:
    backdrop = np.zeros((150, 150, 3), np.float32)
    backdrop[40, 60] = 1
    seen = sprites.look(backdrop, np.array([0.1, 0.2]), 100, 100, 1.0)
    assert np.argwhere(seen[..., 0] > 0.5).tolist() == [[20, 50]]


def bar(shift: float = 0.0) -> np.ndarray:
    """A picture with a bright upright bar in it, (80, 80, 3)."""
    picture = np.zeros((80, 80, 3), np.float32)
    picture[:, 38 + round(80 * shift) : 42 + round(80 * shift)] = 1
    return picture


def columns(picture: np.ndarray) -> np.ndarray:
    """Say where each row is bright, in heights from the middle."""
    return np.array([row @ np.arange(80) / row.sum() for row in picture[..., 0]]) / 80 - 39.5 / 80


def test_a_camera_that_turns_smears_what_it_sees_as_far_as_it_turns() -> None:
    turn = np.column_stack([np.linspace(0, 0.1, 9), np.zeros(9)])
    still, moving = (np.asarray(sprites.look(bar(), turn[:many], 80, 80, 1.0)) for many in (1, 9))
    assert (still[40, :, 0] > 0.01).sum() == 4
    assert 10 <= (moving[40, :, 0] > 0.01).sum() <= 13
    assert moving[40].sum() == pytest.approx(still[40].sum(), rel=0.01)
    assert columns(moving)[40] == pytest.approx(-0.05, abs=0.01)


def test_a_rolling_shutter_leans_the_background_as_it_leans_what_stands_before_it() -> None:
    turn, lean = np.array([[0.0, 0.0], [0.1, 0.0]]), np.array([0.3, 0.0])
    behind = columns(sprites.look(bar(), turn, 80, 80, 1.0, lean))[20:60]
    cut = sprites.sprite(np.ones((64, 64), np.float32), bar()[8:72, 8:72])
    canvas, poses = np.zeros((80, 80, 3), np.float32), np.tile([0, 0, 0.8, 0, 1.0], (2, 1))
    poses[:, :2] -= turn
    sprites.paste(canvas, cut, poses, 1.0, -lean)
    before = np.array([row @ np.arange(80) / row.sum() for row in canvas[20:60, :, 0]]) / 80 - 39.5 / 80
    assert np.polyfit(np.arange(40) / 80, behind, 1)[0] == pytest.approx(-0.3, abs=0.03)
    assert np.abs(behind - before).max() < 0.02


def test_a_camera_that_looks_up_and_down_rolls_over_rows() -> None:
    turn, lean = np.array([[0.0, 0.0], [0.0, 0.1]]), np.array([0.0, 0.5])
    ramp = np.repeat(np.linspace(0, 1, 160, dtype=np.float32)[:, None, None], 160, 1) * np.ones(3, np.float32)
    seen = sprites.look(ramp, turn, 80, 80, 1.0, lean)[..., 0]
    plain = sprites.look(ramp, turn, 80, 80, 1.0)[..., 0]
    tall, usual = (np.polyfit(np.arange(30), picture[30:60, 40], 1)[0] for picture in (seen, plain))
    assert tall == pytest.approx(1.5 * usual, rel=0.02)


def test_what_stands_still_moves_against_the_camera_that_turns() -> None:
    stage = gestures.play(np.random.default_rng(1), RATE, Script(classes=(OTHER_MOTION,)))
    parts = [part for part, _ in zip(stage, range(600), strict=False)]
    turns = [part for part in parts if np.ptp(part.camera, axis=0).any() and part.movers[0, 0, ALPHA]]
    assert len(turns) > 3
    for part in turns:
        assert np.allclose(np.diff(part.movers[0, :, [X, Y]].T, axis=0), -np.diff(part.camera, axis=0))


def test_an_arm_leaves_over_the_edge_that_it_leans_to_and_may_be_there_from_the_start() -> None:
    for seed in range(12):
        script = gestures.Script(classes=("swipe left",), edge=0.4, is_present=True)
        hand = gestures.session(np.random.default_rng(seed), 60, 10.0, script).movers[0]
        assert hand[0, 4] == 1.0, "it is there from the first frame"
        assert set(np.unique(hand[:, 4])) <= {0.0, 1.0}, "it does not fade"
        last = np.flatnonzero((hand[:-1, 4] == 1) & (hand[1:, 4] == 0))
        assert (hand[last, 1] - 0.5 * hand[last, 2] > 0.5).all(), "it is out of the picture when it goes"
