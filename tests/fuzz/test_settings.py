"""Settings of any kind and size: taken exactly as given, or refused by name."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from fuzzing import ANYTHING, TEXTS, answer, cases, refused
from hypothesis import given
from hypothesis import strategies as st

from fyp_lite.cropping import choose_frames, crop_box
from fyp_lite.settings import ClipSettings, SampleSettings

NAMES = {cls: [field.name for field in fields(cls)] for cls in (ClipSettings, SampleSettings)}
WHOLE = st.integers(-2, 1200) | st.sampled_from([0, 1, 2**31, 2**63, 10**30])


def some_settings(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(NAMES[cls]), ANYTHING, max_size=4)


def check(cls: type, values: dict[str, Any]) -> None:
    texts = [part for value in values.values() for part in (str(value), repr(value))]
    made = answer("settings", lambda: cls.from_dict(values), *texts)
    if refused(made):
        names = {name for name in NAMES[cls] if name in str(made)}
        assert names & values.keys(), f"{made} names none of {list(values)}"
        return
    for name, value in values.items():
        stored = getattr(made, name)
        assert type(stored) in (int, float, str, type(None)), name
        assert stored == (float(value) if isinstance(stored, float) else value), name
    assert cls.from_dict(made.to_dict()) == made


@cases(60, 1000)
@given(some_settings(ClipSettings))
def test_clip_settings(values):
    check(ClipSettings, values)


@cases(60, 1000)
@given(some_settings(SampleSettings))
def test_sample_settings(values):
    check(SampleSettings, values)


@cases(20, 300)
@given(st.dictionaries(TEXTS, ANYTHING, min_size=1, max_size=3) | ANYTHING)
def test_names_that_are_no_settings(values):
    texts = [repr(values)]
    if isinstance(values, dict):
        texts += [part for name in values for part in (name, repr(name))]
    made = answer("settings", lambda: ClipSettings.from_dict(values), *texts)
    assert refused(made) or values == {}


@cases(60, 1000)
@given(
    st.integers(1, 200) | st.integers(1, 20_000),
    st.integers(1, 9000),
    st.tuples(*[st.integers(0, 900) | st.sampled_from([0, 2**40])] * 4),
)
def test_every_crop_lies_in_its_frame(height, width, sides):
    settings = ClipSettings(0, 1, 1, *sides)
    box = answer("settings", lambda: crop_box(height, width, settings))
    if not refused(box):
        assert 0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height
        assert math.isclose(box.right - box.left, box.bottom - box.top, rel_tol=1e-6)


@cases(60, 1000)
@given(st.integers(1, 300), WHOLE.filter(lambda n: n >= 0), *[WHOLE.filter(lambda n: n > 0)] * 2)
def test_frames_are_the_chosen_ones_and_advice_fits(count, start, stride, num):
    settings = ClipSettings(start, stride, num)
    chosen = answer("settings", lambda: choose_frames(count, settings))
    if not refused(chosen):
        assert chosen == [start + i * stride for i in range(num)] and chosen[-1] < count
        return
    for part in str(chosen).split(": ")[-1].rstrip(".").split(", or "):
        if " at most " in part:  # what the sentence proposes does fit
            name, value = part.split(" at most ")
            choose_frames(count, ClipSettings.from_dict(settings.to_dict() | {name: int(value)}))
