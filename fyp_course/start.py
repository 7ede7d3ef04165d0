"""Start from the middle: every notebook's starting point, and the cases that have a picture.

`CASES` is the one table of settings that notebooks share with their expected pictures
(`expected`): a plain number is what a notebook starts from, the others are its examples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

from fyp_lite import data_dir
from fyp_lite.clip import Clip
from fyp_lite.cropping import PreparedClip
from fyp_lite.loading import load_pipeline
from fyp_lite.opening import open_clip
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings


def _case(
    prompt: str = "a panda on the sea",
    clip_settings: ClipSettings | None = None,
    clip: str = "dance.mp4",
) -> Request:
    return Request(prompt, clip, clip_settings=clip_settings or ClipSettings())


_WIZARD = _case("a wizard in the forest", ClipSettings(frame_stride=6), clip="macarena.mp4")
_ROBOTIC = _case("a panda on the sea", ClipSettings(frame_stride=4), clip="robot_dance.mp4")

FIREFIGHTER, KNIGHT = "a firefighter in the street", "a knight in the forest"  # of 02, of 03

CASES = {f"{number:02}": _case() for number in range(12)} | {
    "00": _case(clip_settings=ClipSettings(start_frame=150)),
    "02": _case(FIREFIGHTER),
    "03": _case(KNIGHT),
    "05": _WIZARD,
    "06": _ROBOTIC,
    "07": _case("a ninja on the stage", ClipSettings(frame_stride=4), clip="kick.mp4"),
    "09": _case("superman in the city", ClipSettings(start_frame=20), clip="robot_dance.mp4"),
    "10": _case("an astronaut on the moon", clip="jumping_jacks.mp4"),
    "11": replace(
        _case("an astronaut on the moon", clip="jumping_jacks.mp4"),
        sample_settings=SampleSettings(num_inference_steps=10),
    ),
    "02_offset_8": _case(FIREFIGHTER, ClipSettings(start_frame=8)),
    "02_offset_32": _case(FIREFIGHTER, ClipSettings(start_frame=32)),
    "02_stride_1": _case(FIREFIGHTER, ClipSettings(frame_stride=1)),
    "02_stride_20": _case(FIREFIGHTER, ClipSettings(frame_stride=20)),
    "03_zero": _case(KNIGHT),
    "03_right_top_200": _case(KNIGHT, ClipSettings(crop_right=200, crop_top=200)),
    "04_panda_sea": _case("A Panda on the sea"),
    "04_robot_desert": _case("A Robot is dancing in Sahara desert"),
    "04_astronaut": _case("An Astronaut"),
    "04_man_van_gogh": _case("A man in the park, Van Gogh style"),
    "04_batman_brown": _case("Batman brown background"),
    "04_tiny_boy_beach": _case("Tiny cute boy in the beach, at sunset"),
    "04_iron_man_beach": _case("Iron man on the beach"),
    "04_astronaut_moon": _case("Astronaut on the moon"),
    "04_man_minecraft": _case("A man in the forest, Minecraft"),
    "05_steps_1": replace(_WIZARD, sample_settings=SampleSettings(num_inference_steps=1)),
    "05_steps_5": replace(_WIZARD, sample_settings=SampleSettings(num_inference_steps=5)),
    "05_steps_50": replace(_WIZARD, sample_settings=SampleSettings(num_inference_steps=50)),
    "06_scale_0": replace(_ROBOTIC, sample_settings=SampleSettings(guidance_scale=0)),
    "06_scale_4": replace(_ROBOTIC, sample_settings=SampleSettings(guidance_scale=4)),
    "06_scale_12": replace(_ROBOTIC, sample_settings=SampleSettings(guidance_scale=12.5)),
}


@dataclass(frozen=True)
class Start:
    """What a notebook needs to go on: `pipeline(prompt, skeleton.frames, sample_settings)`."""

    pipeline: FollowYourPosePipeline
    clip: Clip  # open
    skeleton: PreparedClip
    request: Request  # of that clip

    @property
    def prompt(self) -> str:
        return self.request.prompt

    @property
    def clip_settings(self) -> ClipSettings:
        return self.request.clip_settings

    @property
    def sample_settings(self) -> SampleSettings:
        return self.request.sample_settings


def resume(name: str) -> Start:
    """Rebuild what a notebook needs, so that any of its cells can be run first.

    Args:
        name: a notebook's number, such as "04", or any other key of `CASES`.

    Raises:
        ValueError: there is no such case.
    """
    case = find_case(name)
    pipeline = load_pipeline()
    clip = open_clip(data_dir() / "clips" / case.clip_name)
    skeleton = clip.prepare(case.clip_settings, pipeline.size)
    return Start(pipeline, clip, skeleton, replace(case, clip=clip))


def find_case(name: str) -> Request:
    """The case of that name. Raises ValueError with the nearest name, or all of them."""
    if name not in CASES:
        near = get_close_matches(name, CASES, n=1)
        fix = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(CASES)}."
        raise ValueError(f"There is no case {name!r}: {fix}")
    return CASES[name]
