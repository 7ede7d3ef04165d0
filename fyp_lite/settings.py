"""Validated, frozen settings: which frames of a clip are used, and how a video is sampled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from typing import Any

from fyp_lite.text import nearest_name

# Crops count pixels of the reference frame: the source resized so that its short side is this.
REFERENCE_SIZE = 512
SCHEDULERS = ("ddim", "dpm++", "unipc")
PADS = ("auto", "none")


class SettingsError(ValueError):
    """A setting out of its range: one sentence with the value, the limit and the fix."""


@dataclass(frozen=True)
class ClipSettings:
    """Which part of a clip is used.

    Frame i of the result is source frame `start_frame + i * frame_stride`. The four crops are
    pixels of the reference frame (the source with its short side at 512), so that a number means
    the same for every clip. Whether they fit a given clip is checked by `clip.choose_frames` and
    `clip.crop_box`.

    pad: a model reads squares. "auto" adds black to a tall or wide frame whose largest square would
        cut people off; "none" cuts them off.

    Raises SettingsError for a value that is no whole number or is below its limit, and for a `pad`
    of another name.
    """

    start_frame: int = 0
    frame_stride: int = 3
    num_frames: int = 8
    crop_left: int = 0
    crop_right: int = 0
    crop_top: int = 0
    crop_bottom: int = 0
    pad: str = "auto"

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "pad":
                least = 1 if field.name in ("frame_stride", "num_frames") else 0
                _store(self, field.name, whole_number(field.name, getattr(self, field.name), least))
        _check_name("pad", self.pad, PADS)

    def frame_indices(self) -> list[int]:
        """Source frame numbers, `num_frames` of them, rising by `frame_stride`."""
        return [self.start_frame + i * self.frame_stride for i in range(self.num_frames)]

    def to_dict(self) -> dict[str, int | str]:
        """All settings by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ClipSettings:
        """The inverse of `to_dict`; names left out keep their defaults."""
        return cls(**_known(cls, values))


@dataclass(frozen=True)
class SampleSettings:
    """How a video is sampled.

    num_inference_steps: 1 to 1000; the cost is linear in it.
    guidance_scale: classifier-free guidance s in `uncond + s * (text - uncond)`, finite and at
        least 0; None means the model's own default.
    eta: share of fresh noise per step, 0 (DDIM, deterministic) to 1 (as DDPM).
    seed: 0 to 2**63 - 1; the same seed draws the same noise on every device.
    guidance_start, guidance_end: the part of the run in which guidance works: 0 is its beginning,
        pure noise, 1 its end. A step whose middle lies outside runs the text branch alone, at half
        the cost (the guidance interval of Kynkäänniemi et al. 2024, arXiv 2404.07724).
    pose_strength: the pose features are multiplied by it: 0 is the network without pose, 1 as
        trained.
    pose_start, pose_end: the part of the run in which the network sees the pose; a step whose
        middle lies outside runs without it.
    scheduler: "ddim", or "dpm++" (DPM-Solver++, Lu et al. 2022) or "unipc" (Zhao et al. 2023),
        which are of second order and made for few steps.

    Raises SettingsError for a value of the wrong kind or out of its range.
    """

    num_inference_steps: int = 20
    guidance_scale: float | None = None
    eta: float = 0.0
    seed: int = 0
    guidance_start: float = 0.0
    guidance_end: float = 1.0
    pose_strength: float = 1.0
    pose_start: float = 0.0
    pose_end: float = 1.0
    scheduler: str = "ddim"

    def __post_init__(self) -> None:
        steps = whole_number("num_inference_steps", self.num_inference_steps, 1, 1000)
        _store(self, "num_inference_steps", steps)
        if self.guidance_scale is not None:
            _store(self, "guidance_scale", _number("guidance_scale", self.guidance_scale, math.inf))
        _store(self, "eta", _number("eta", self.eta, 1.0))
        _store(self, "seed", whole_number("seed", self.seed, 0, 2**63 - 1))
        _store(self, "pose_strength", _number("pose_strength", self.pose_strength, math.inf))
        for part in ("guidance", "pose"):
            self._check_interval(f"{part}_start", f"{part}_end")
        _check_name("scheduler", self.scheduler, SCHEDULERS)
        if self.eta > 0 and self.scheduler != "ddim":
            raise SettingsError(
                f"eta is {self.eta:g}, but the scheduler {self.scheduler} adds no noise: "
                'set eta=0 or scheduler="ddim".'
            )

    def _check_interval(self, start: str, end: str) -> None:
        for name in (start, end):
            _store(self, name, _number(name, getattr(self, name), 1.0))
        if getattr(self, start) >= getattr(self, end):
            raise SettingsError(
                f"{start} is {getattr(self, start):g}, but it must be less than {end}, "
                f"{getattr(self, end):g}: for example 0.0 and 1.0, all steps."
            )

    def guided(self, index: int) -> bool:
        """Whether guidance works in step `index`, counted from 0: its middle decides."""
        return self.guidance_start <= self._middle(index) <= self.guidance_end

    def posed(self, index: int) -> bool:
        """Whether the network sees the pose in step `index`, counted from 0: its middle decides."""
        return self.pose_start <= self._middle(index) <= self.pose_end

    def _middle(self, index: int) -> float:
        return (index + 0.5) / self.num_inference_steps

    def steps_by_branches(self, guidance_scale: float) -> dict[int, int]:
        """How many steps run 2 branches and how many 1 at this scale; none of a kind, no entry.

        Scale 0 or 1 needs one branch in every step.
        """
        whole = range(self.num_inference_steps)
        twice = 0 if guidance_scale in (0, 1) else sum(map(self.guided, whole))
        return {count: steps for count, steps in ((2, twice), (1, len(whole) - twice)) if steps}

    def to_dict(self) -> dict[str, int | float | str | None]:
        """All settings by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SampleSettings:
        """The inverse of `to_dict`; names left out keep their defaults."""
        return cls(**_known(cls, values))


def _store(settings: object, name: str, value: float) -> None:
    object.__setattr__(settings, name, value)  # the way into a frozen dataclass


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise SettingsError(
            f"{cls.__name__} is read from a dict of names and values, not from {_shown(values)}: "
            "pass what to_dict() returned."
        )
    names = [field.name for field in fields(cls)]
    for name in values:
        if name not in names:
            near = nearest_name(str(name), names)
            fix = f"did you mean {near!r}?" if near else f"it has {', '.join(names)}."
            raise SettingsError(f"{cls.__name__} has no setting {_shown(name)}: {fix}")
    return values


def _check_name(name: str, value: object, names: Sequence[str]) -> None:
    if value not in names:
        raise SettingsError(
            f"{name} is {_shown(value)}, but it must be one of {', '.join(names)}: "
            f'for example {name}="{names[0]}".'
        )


def whole_number(name: str, value: object, least: int, most: int | None = None) -> int:
    """`value` as an integer. Raises SettingsError for any other, with the nearest that works."""
    span = f"of at least {least}" if most is None else f"from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise SettingsError(
            f"{name} is {_shown(value)}, but it must be a whole number {span}: "
            f"for example {name}={_near(value, least, most)}."
        )
    number = int(value)
    if number != _near(number, least, most):
        raise SettingsError(
            f"{name} is {_shown(number)}, but it must be a whole number {span}: "
            f"the nearest that works is {_near(number, least, most)}."
        )
    return number


def _near(value: object, least: int, most: int | None) -> int:
    """The allowed whole number nearest to `value`; the minimum where `value` is not a number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return least
    if isinstance(value, Integral):
        whole = int(value)
    elif math.isfinite(value):
        whole = round(float(value))
    else:
        return least
    near = max(least, whole)
    return near if most is None else min(near, most)


def _number(name: str, value: object, most: float) -> float:
    span = "a finite number of at least 0" if math.isinf(most) else f"a number from 0 to {most:g}"
    fix = f"for example {name}=1.0"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SettingsError(f"{name} is {_shown(value)}, but it must be {span}: {fix}.")
    try:
        number = float(value)
    except OverflowError:  # a whole number beyond 1e308
        number = math.inf
    if not math.isfinite(number) or not 0 <= number <= most:
        raise SettingsError(f"{name} is {_shown(value)}, but it must be {span}: {fix}.")
    return number


def _shown(value: object) -> str:
    """A value as a sentence can hold it, however long it is."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
