"""A request: everything that makes one video, in one object that is passed on whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fyp_lite.clip import Clip
from fyp_lite.keypoints.formats import MAX_PEOPLE
from fyp_lite.settings import ClipSettings, SampleSettings, SettingsError, whole_number
from fyp_lite.text import nearest_name

INPUT_TYPES = ("auto", "raw", "skeleton")


@dataclass(frozen=True)
class Request:
    """What one video is made from.

    prompt, negative_prompt: what to draw, and what to lead away from.
    clip: a file, the name of a bundled clip, or an open `Clip`.
    clip_settings, sample_settings: which frames, and how they are sampled.
    model: "lite", "full" or a folder; see `load_pipeline`.
    input_type, backend: whether the clip shows people ("raw") or limbs ("skeleton"), and what finds
        the people; see `opening.open_skeleton`.
    max_people: how many people of a raw video are kept: the largest and longest seen, 1 to 16.
    redraw: skeletons in other colours or on another background are drawn again.

    Raises SettingsError for a value of the wrong kind.
    """

    prompt: str
    clip: Clip | str
    negative_prompt: str = ""
    clip_settings: ClipSettings = field(default_factory=ClipSettings)
    sample_settings: SampleSettings = field(default_factory=SampleSettings)
    model: str = "lite"
    input_type: str = "auto"
    backend: str = "auto"
    max_people: int = 3
    redraw: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.clip, os.PathLike):
            object.__setattr__(self, "clip", os.fspath(self.clip))
        if not isinstance(self.clip, Clip):
            _check_text("clip", self.clip)
        for name in ("prompt", "negative_prompt", "model", "backend"):
            _check_text(name, getattr(self, name))
        people = whole_number("max_people", self.max_people, 1, MAX_PEOPLE)
        object.__setattr__(self, "max_people", people)
        if not isinstance(self.redraw, bool):
            raise SettingsError(f"redraw is {self.redraw!r:.60}, but it must be true or false.")
        if self.input_type not in INPUT_TYPES:
            raise SettingsError(
                f"input_type is {self.input_type!r:.60}, but it must be auto, raw or skeleton."
            )

    @property
    def clip_name(self) -> str:
        """The clip's file as it was named, also of an open clip."""
        return str(self.clip.path) if isinstance(self.clip, Clip) else self.clip

    def changed(self, values: Mapping[str, Any]) -> Request:
        """A copy with other values, by name: of its own fields or of those of its settings.

        Raises SettingsError for an unknown name or a value that cannot be used.
        """
        rest = dict(values)
        changes: dict[str, Any] = {n: rest.pop(n) for n in REQUEST_NAMES if n in rest}
        for part, kind in SETTINGS.items():
            given = {f.name: rest.pop(f.name) for f in fields(kind) if f.name in rest}
            changes[part] = kind(**(getattr(self, part).to_dict() | given))
        if rest:
            name = min(rest, key=str)
            near = nearest_name(str(name), SETTING_NAMES)
            fix = f"did you mean {near!r}?" if near else f"it has {', '.join(SETTING_NAMES)}."
            raise SettingsError(f"A request has no setting {name!r:.60}: {fix}")
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """All of it by name, ready for JSON; an open clip becomes the name of its file."""
        own = {name: getattr(self, name) for name in REQUEST_NAMES} | {"clip": self.clip_name}
        return own | {part: getattr(self, part).to_dict() for part in SETTINGS}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Request:
        """The inverse of `to_dict`; names that are left out keep their defaults.

        Raises SettingsError for anything but a dict, where prompt or clip is missing, for an
        unknown name, or for a value that cannot be used.
        """
        if not isinstance(values, dict):
            raise SettingsError(
                f"A request is read from a dict of names and values, not from {values!r:.60}: pass "
                "what to_dict() returned."
            )
        for name in ("prompt", "clip"):
            if not values.get(name):
                raise SettingsError(f"There is no {name}, and a video needs one.")
        parts = {part: kind.from_dict(values.get(part, {})) for part, kind in SETTINGS.items()}
        own = {name: value for name, value in values.items() if name not in SETTINGS}
        if unknown := own.keys() - set(REQUEST_NAMES):
            raise SettingsError(f"A request has no {min(unknown, key=str)!r:.60}: leave it out.")
        return cls(**own, **parts)


# The two settings of a request, and the names of everything else in it.
SETTINGS: dict[str, Any] = {"clip_settings": ClipSettings, "sample_settings": SampleSettings}
REQUEST_NAMES = tuple(f.name for f in fields(Request) if f.name not in SETTINGS)
SETTING_NAMES = (
    *("clip", "prompt", "negative_prompt"),
    *(f.name for kind in SETTINGS.values() for f in fields(kind)),
)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise SettingsError(f"{name} is {value!r:.60}, but it must be text.")
