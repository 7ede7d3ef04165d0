"""Characters draw in any pose, near their joints and the same each time, and differ in looks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import skia

from fyp_world.world.characters import CHARACTERS, CLOTHES_COLOURS, draw_character
from fyp_world.world.figure import CHANNELS, REST, Body, Figure, solve, to_figures

SIZE = 256
BACKGROUND = (150, 170, 160)


def make_figure(yaw: float = 0.0, height: float = 150.0, **pose: float) -> Figure:
    channels = {name: np.array([value]) for name, value in pose.items()}
    joints, torso_yaw, head_yaw = solve(channels, Body(), 1)
    position = np.array([[SIZE / 2, 210.0]])
    return to_figures(joints, torso_yaw, head_yaw, yaw=yaw, height=height, position=position)[0]


def random_figure(rng: np.random.Generator) -> Figure:
    """Wild but possible: every angle anywhere, any direction, upside down now and then."""
    pose = {
        name: rng.uniform(-60, 60) if name in CHANNELS else rng.uniform(0, 150)
        for name in REST
        if name[-2:] not in ("fx", "fy", "fz") and name not in ("x", "y", "z", "jump", "shrug")
    }
    feet = {f"{side}_f{axis}": rng.uniform(-0.1, 0.25) for side in "lr" for axis in "xyz"}
    figure = make_figure(rng.uniform(-np.pi, np.pi), **pose, **feet)
    return turned(figure, rng.uniform(-np.pi, np.pi)) if rng.random() < 0.4 else figure


def turned(figure: Figure, angle: float) -> Figure:
    cos, sin = np.cos(angle), np.sin(angle)
    around = figure.joints - SIZE / 2
    joints = around @ np.array([[cos, sin], [-sin, cos]]) + SIZE / 2
    return Figure(
        joints.astype(np.float32), figure.depth, figure.yaw, figure.head_yaw, figure.height
    )


def draw(name: str, figure: Figure, *, colour: str | None = None, cute: bool = False) -> np.ndarray:
    surface = skia.Surface(SIZE, SIZE)
    with surface as canvas:
        canvas.clear(skia.Color(*BACKGROUND))
        draw_character(canvas, name, figure, colour=colour, cute=cute)
    return surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3].copy()


def drawn(picture: np.ndarray) -> np.ndarray:
    return (picture != BACKGROUND).any(axis=-1)


def test_there_are_enough_characters() -> None:
    assert len(CHARACTERS) >= 18
    assert all(name == character.name for name, character in CHARACTERS.items())


@pytest.mark.parametrize("name", CHARACTERS)
def test_draws_near_the_joints_in_any_pose(name: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(8):
        figure = random_figure(rng)
        mask = drawn(draw(name, figure))
        # Capes, hats and tails reach up to 0.7 of a standing height beyond the joints.
        near = np.zeros((SIZE, SIZE), np.uint8)
        hull = cv2.convexHull(figure.joints.astype(np.int32).clip(-SIZE, 2 * SIZE))
        cv2.fillPoly(near, [hull], 1)
        cv2.polylines(near, [hull], True, 1, round(1.4 * figure.height))
        assert mask.any()
        assert not (mask & (near == 0)).any()


@pytest.mark.parametrize("name", CHARACTERS)
def test_limbs_are_covered(name: str) -> None:
    figure = make_figure(0.4, l_lift=100.0, r_lift=140.0, l_fx=0.15, r_fx=0.15)
    mask = drawn(draw(name, figure))
    inside = figure.joints.round().astype(int)
    assert mask[inside[:, 1], inside[:, 0]].all()


@pytest.mark.parametrize("name", CHARACTERS)
def test_same_figure_same_picture(name: str) -> None:
    figure = make_figure(0.7, l_lift=120.0)
    np.testing.assert_array_equal(draw(name, figure), draw(name, figure))


@pytest.mark.parametrize("name", CHARACTERS)
def test_front_side_and_back_differ(name: str) -> None:
    views = [draw(name, make_figure(yaw)).astype(float) for yaw in (0.0, np.pi / 2, np.pi)]
    for a, b in ((0, 1), (1, 2), (0, 2)):
        # Over the body: the same silhouette still has another inside.
        assert np.abs(views[a] - views[b])[drawn(views[a])].mean() > 3.0


def test_characters_differ_from_each_other() -> None:
    figure = make_figure(0.3)
    pictures = [draw(name, figure).astype(float) for name in CHARACTERS]
    for i, picture in enumerate(pictures):
        for other in pictures[:i]:
            assert np.abs(picture - other)[drawn(picture)].mean() > 10.0


def test_face_follows_the_head() -> None:
    ahead, aside = (draw("man", make_figure(look=look)) for look in (0.0, 60.0))
    assert (ahead != aside).any()


@pytest.mark.parametrize("name", [n for n, c in CHARACTERS.items() if c.recolourable])
def test_clothes_take_every_colour(name: str) -> None:
    figure = make_figure()
    pictures = [draw(name, figure, colour=colour) for colour in CLOTHES_COLOURS]
    for i, picture in enumerate(pictures):
        assert all((picture != other).any() for other in pictures[:i])
        found = (picture == list(CLOTHES_COLOURS.values())[i]).all(axis=-1)
        assert found.sum() > 200


def test_cute_has_a_larger_head() -> None:
    figure = make_figure()
    assert drawn(draw("bear", figure, cute=True)).sum() > drawn(draw("bear", figure)).sum()


@pytest.mark.parametrize("name", CHARACTERS)
def test_all_joints_in_one_point_still_draw(name: str) -> None:
    joints = np.full((17, 2), SIZE / 2, np.float32)
    draw(name, Figure(joints, np.zeros(17, np.float32), 0.0, 0.0, 100.0))


@pytest.mark.parametrize(
    ("name", "colour", "expected"),
    [
        ("pandda", None, ["'pandda'", "panda"]),
        ("xyzzy", None, ["'xyzzy'", "robot", "woman"]),
        ("man", "blu", ["'blu'", "blue"]),
        ("panda", "red", ["panda", "'red'", "woman"]),
    ],
)
def test_unknown_names_are_explained(name: str, colour: str | None, expected: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        draw(name, make_figure(), colour=colour)
    message = str(error.value)
    assert all(part in message for part in expected)
    assert message.endswith(".") and message.count(". ") == 0


def test_broken_figures_are_refused() -> None:
    figure = make_figure()
    broken = figure.joints.copy()
    broken[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        draw("man", Figure(broken, figure.depth, 0.0, 0.0, 100.0))
    with pytest.raises(ValueError, match="height of 0"):
        draw("man", Figure(figure.joints, figure.depth, 0.0, 0.0, 0.0))
