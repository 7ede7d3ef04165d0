"""Random scenes of the world: who is where, doing what, as frames, keypoints and a caption.

What is held out of training is decided here, by fixed rules, so that evaluation can ask for it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from fyp_world.world.canvas import skia
from fyp_world.world.captions import CharacterSpec, caption, vocabulary
from fyp_world.world.characters import CHARACTERS, CLOTHES_COLOURS, draw_character
from fyp_world.world.motion import HELD_OUT_MOTIONS, MOTIONS, Figure, perform
from fyp_world.world.scenes import COLOURS, SCENES, draw_scene
from fyp_world.world.styles import STYLES, apply_style

MAX_PEOPLE = 3
FPS = 24.0
TRAINING_MOTIONS = tuple(name for name in MOTIONS if name not in HELD_OUT_MOTIONS)
PLAIN_STYLE_SHARE = 0.7
STROKE_PATTERNS = 8  # of each style; making one takes longer than drawing with it


@dataclass(frozen=True)
class Scene:
    """Everything in a clip but the motion."""

    characters: tuple[CharacterSpec, ...]  # one per person, left to right
    place: str  # a scene's name or "<colour> background"
    time: str
    style: str
    seed: int  # of the layout and of the style's strokes

    def caption(self, rng: np.random.Generator) -> str:
        """A sentence that describes the scene, its words drawn from `rng`."""
        return caption(self.characters, self.place, self.time, self.style, rng)


@dataclass(frozen=True)
class Clip:
    """A scene and the people in it: `figures[frame][person]`."""

    scene: Scene
    figures: list[list[Figure]]

    def keypoints(self) -> np.ndarray:
        """`[f, 3, 17, 3]`, padded with people of confidence 0."""
        padded = np.zeros((len(self.figures), MAX_PEOPLE, 17, 3), np.float32)
        for frame, people in enumerate(self.figures):
            for person, figure in enumerate(people):
                padded[frame, person] = figure.keypoints()
        return padded


def world_vocabulary() -> list[str]:
    """Every word of every possible caption, sorted."""
    return vocabulary([*COLOURS, *CLOTHES_COLOURS])


def is_held_out(character: str, place: str, style: str) -> bool:
    """Whether training never sees this character in this place and style (one in sixteen)."""
    return zlib.crc32(f"{character}|{place}|{style}".encode()) % 16 == 0


def random_scene(rng: np.random.Generator, *, held_out: bool = False) -> Scene:
    """A scene of the training distribution, or of the combinations that are held out of it."""
    while True:
        place = str(rng.choice([*SCENES])) if rng.random() < 0.85 else _plain_place(rng)
        times = SCENES[place].times if place in SCENES else ("day",)
        time = "day" if rng.random() < 0.55 else str(rng.choice(times))
        style = "plain" if rng.random() < PLAIN_STYLE_SHARE else str(rng.choice(STYLES[1:]))
        count = int(rng.choice([1, 2, 3], p=[0.68, 0.24, 0.08]))
        kinds = [_random_character(rng) for _ in range(2 if rng.random() < 0.4 else 1)]
        characters = tuple(kinds[i % len(kinds)] for i in range(count))
        if any(is_held_out(c.name, place, style) for c in characters) == held_out:
            return Scene(characters, place, time, style, int(rng.integers(2**31)))


def _plain_place(rng: np.random.Generator) -> str:
    return f"{rng.choice([*COLOURS])} background"


def _random_character(rng: np.random.Generator) -> CharacterSpec:
    name = str(rng.choice([*CHARACTERS]))
    colour = None
    if CHARACTERS[name].recolourable and rng.random() < 0.4:
        colour = str(rng.choice([*CLOTHES_COLOURS]))
    size = str(rng.choice(["tiny", "tall"])) if rng.random() < 0.15 else None
    return CharacterSpec(name, colour, size, cute=bool(rng.random() < 0.12))


def random_clip(
    rng: np.random.Generator,
    num_frames: int,
    *,
    size: int = 256,
    held_out: bool = False,
    held_out_motion: bool = False,
) -> Clip:
    """People in a scene, moving for `num_frames` frames at a random stride.

    Args:
        held_out: a combination of character, place and style that training never sees.
        held_out_motion: a motion that training never sees.
    """
    scene = random_scene(rng, held_out=held_out)
    fps = FPS / int(rng.choice([1, 2, 3, 3, 4, 5, 6]))
    people = _random_people(scene, rng, num_frames, fps, size, held_out_motion)
    return Clip(scene, [list(frame) for frame in zip(*people, strict=True)])


def _random_people(
    scene: Scene,
    rng: np.random.Generator,
    num_frames: int,
    fps: float,
    size: int,
    held_out_motion: bool,
) -> list[list[Figure]]:
    """Where each person stands, how tall, facing where, doing what; left to right."""
    count = len(scene.characters)
    framing = rng.choice(["whole", "far", "close"], p=[0.7, 0.15, 0.15])
    low, high = {"whole": (0.5, 0.88), "far": (0.3, 0.5), "close": (0.9, 1.5)}[str(framing)]
    height = rng.uniform(low, high) * size * (0.8 if count > 1 else 1.0)
    ground = _ground(scene.place, height, framing == "close", rng, size)
    centres = (np.arange(count) + 0.5) / count + rng.normal(0, 0.05, count)
    centres = 0.5 + (centres - 0.5) * rng.uniform(0.75, 1.0) + (count == 1) * rng.normal(0, 0.08)
    motions = HELD_OUT_MOTIONS if held_out_motion else TRAINING_MOTIONS
    together = str(rng.choice(motions)) if rng.random() < 0.5 else None
    people = []
    for character, centre in zip(scene.characters, centres, strict=True):
        scale = {"tiny": 0.62, "tall": 1.1, None: 1.0}[character.size] * rng.uniform(0.93, 1.07)
        motion: str | None = together or str(rng.choice(motions))
        if not held_out_motion and rng.random() < 0.35:
            motion = None  # random poses, for joints in every place
        yaw = rng.normal(0, 0.5) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi)
        position = (centre * size, ground + rng.normal(0, 0.012) * size)
        people.append(
            perform(motion, num_frames, fps, rng, yaw=yaw, height=height * scale, position=position)
        )
    return people


def _ground(place: str, height: float, close: bool, rng: np.random.Generator, size: int) -> float:
    """The pixel row of the ground: where the scene has its ground, and the head in the frame."""
    if close:
        return height + rng.uniform(0.08, 0.3) * size
    low, high = SCENES[place].ground if place in SCENES else (0.7, 0.97)
    row = rng.uniform(low, min(high, 0.97)) * size
    return max(row, min(height * 1.05 + 2, 0.98 * size))


def render_clip(clip: Clip, size: int = 256) -> np.ndarray:
    """Frames `[f, size, size, 3]` uint8; the scene is drawn once and the people in front of it."""
    surface = skia.Surface(size, size)
    scene = clip.scene
    with surface as canvas:
        draw_scene(canvas, scene.place, time=scene.time, size=size, seed=scene.seed)
    background = surface.makeImageSnapshot()
    frames = []
    for people in clip.figures:
        with surface as canvas:
            canvas.drawImage(background, 0, 0)
            draw_people(canvas, scene, people)
        frame = surface.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3]
        strokes = scene.seed % STROKE_PATTERNS
        frames.append(apply_style(np.ascontiguousarray(frame), scene.style, seed=strokes))
    return np.stack(frames)


def draw_people(canvas: skia.Canvas, scene: Scene, people: list[Figure]) -> None:
    """The people with their shadows, the one whose feet are lowest in front."""
    order = sorted(range(len(people)), key=lambda i: float(people[i].joints[15:, 1].max()))
    if scene.place not in ("space", "underwater"):
        for i in order:
            _draw_shadow(canvas, people[i])
    for i in order:
        character = scene.characters[i]
        draw_character(
            canvas,
            character.name,
            people[i],
            colour=character.colour,
            cute=character.cute,
        )


def _draw_shadow(canvas: skia.Canvas, figure: Figure) -> None:
    feet = figure.joints[15:17]
    x, y = feet[:, 0].mean(), feet[:, 1].max() + 0.035 * figure.height
    half = 0.1 * figure.height + abs(feet[0, 0] - feet[1, 0]) / 2
    paint = skia.Paint(
        Color=skia.Color(10, 10, 30, 70),
        AntiAlias=True,
        MaskFilter=skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 0.012 * figure.height),
    )
    thickness = 0.025 * figure.height
    canvas.drawOval(skia.Rect(x - half, y - thickness, x + half, y + thickness), paint)


def facts_of(scene: Scene) -> dict[str, frozenset[str]]:
    """What can be seen of a scene, attribute by attribute.

    Left out is what no picture shows. Clothes of which nothing is said have the character's own
    colour. A pencil sketch has no colours. A plain background has no time of day. Whether a person
    is tiny or tall is decided by its skeleton: that is the "size" of the follow score.
    """
    people = scene.characters
    facts = {
        "character": frozenset(person.name for person in people),
        "count": frozenset({("one", "two", "three")[len(people) - 1]}),
        "style": frozenset({scene.style}),
        "cute": frozenset({"cute"} if any(person.cute for person in people) else ()),
    }
    plain, sketch = scene.place.endswith(" background"), scene.style == "pencil sketch"
    if not plain:
        facts["time"] = frozenset({scene.time})
    if not (plain and sketch):
        facts["place"] = frozenset({scene.place})
    colours = [person.colour for person in people]
    if all(colours) and not sketch:
        facts["colour"] = frozenset(str(colour) for colour in colours)
    return facts
