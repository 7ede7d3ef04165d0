"""The stage: up to six videos in step, with everything that a reader may do to them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import traitlets

from fyp_course.stage.display import Live
from fyp_course.stage.downloads import encode_file, sheet
from fyp_course.stage.film import MAX_VIDEOS, check_fps, check_videos, encode_film, held
from fyp_course.stage.front_end import CSS, module
from fyp_course.stills import STILL_SIZE, motion_reduced
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import few_frames

BEFORE = "before"  # title of the last result beside the new one


def caption_of(prompt: str, clip: ClipSettings, sampling: SampleSettings) -> str:
    """What made a video, as its caption: prompt, frames, stride, steps and seed."""
    numbers = clip.frame_indices()
    frames = f"frames {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"frame {numbers[0]}"
    stride = f", stride {clip.frame_stride}" if len(numbers) > 1 else ""
    steps = sampling.num_inference_steps
    return (
        f"“{prompt}” · {frames}{stride} · {steps} step{'s' if steps != 1 else ''} · "
        f"seed {sampling.seed}"
    )


class Stage(Live):
    """Shows videos in step: play, single frames, scrub, speed, loop, overlay, strip, download.

    Shown as a cell's last line or with `display`; where no kernel is, its still sheet shows.

    Args:
        videos: {title: `[f, h, w, 3]` uint8 RGB}, 1 to 6 of the same length.
        fps: frames a second at normal speed.
        captions: {title: what made the video}, for any of them; see `caption_of`.
        overlay: titles of a skeleton video on black and of the video that it can be laid over;
            where one of them is not among the videos, there is no overlay.
        result: title of the video that a run makes: it is marked when `stale`, and `keep_before`
            keeps it. By default the second title of `overlay`.
        alt: what happens in the videos, in words: see `alt_text.describe_motion`.

    Attributes:
        frame: number of the frame that is seen, from 0; while it plays, of that at which it began.
            Setting it moves there; a number beyond the film is its last one, as a view may lag
            behind.
        playing: whether it plays; set it to play or pause.
        stale: set it when the controls no longer say what made the result.
        alt: as above; screen readers announce a change.
        videos: what is shown, `before` included.

    Raises:
        ValueError: videos, fps or captions that cannot be shown, in one sentence.
    """

    _esm = module("dom", "film", "clock", "view", "strip", "bar", "stage")
    _css = CSS

    film = traitlets.Dict().tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(True).tag(sync=True)
    stale = traitlets.Bool(False).tag(sync=True)
    alt = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        videos: Mapping[str, np.ndarray],
        fps: float = 8.0,
        captions: Mapping[str, str] | None = None,
        overlay: tuple[str, str] | None = None,
        result: str | None = None,
        alt: str = "",
    ) -> None:
        self.overlay, self.result = overlay, result or (overlay[1] if overlay else None)
        self._before: tuple[np.ndarray, str] | None = None
        self.fps = fps
        super().__init__()
        self.on_msg(self._answer)
        self.show_videos(videos, fps, captions, alt)

    def show_videos(
        self,
        videos: Mapping[str, np.ndarray],
        fps: float | None = None,
        captions: Mapping[str, str] | None = None,
        alt: str = "",
    ) -> None:
        """Show other videos in place of these; the mark `stale` goes.

        Args: as of `Stage`; an fps of None keeps the rate. The last result, where `keep_before`
            was called, stays beside them: it is cut, or its last frame held, to their length. It
            gives way where there are six videos, or one called "before".
        """
        check_videos(videos)
        fps = self.fps if fps is None else fps
        check_fps(fps)
        captions = captions or {}
        if unknown := captions.keys() - videos.keys():
            raise ValueError(
                f"there is a caption for {min(unknown)!r}, but the videos are "
                f"{', '.join(map(repr, videos))}: use the same titles."
            )
        self.fps = fps
        self._shown, self._captions, self._alt = dict(videos), dict(captions), alt
        self._put_on()

    def keep_before(self) -> None:
        """Keep the result that is shown now, as `before`, beside what is shown from now on.

        It takes effect with the next videos that hold a result. Nothing happens without a result.
        """
        if self.result in self._shown:
            caption = self._captions.get(self.result, "")
            self._before = self._shown[self.result], caption

    def forget_before(self) -> None:
        """Show the result alone again."""
        self._before = None
        self._put_on()

    def _put_on(self) -> None:
        """Everything that belongs together goes in one message, so that it changes at once."""
        self.videos, captions = self._with_before()
        film = encode_film(self.videos)
        for tile in film["tiles"]:
            tile["caption"] = captions.get(tile["title"], "")
        titles = list(self.videos)
        overlaid = self.overlay and all(title in titles for title in self.overlay)
        film |= {
            "fps": self.fps,
            "overlay": [titles.index(title) for title in self.overlay or ()] if overlaid else [],
            "result": titles.index(self.result) if self.result in titles else -1,
            "before": titles.index(BEFORE) if self.videos.keys() > self._shown.keys() else -1,
            "reduced": motion_reduced(),
        }
        with self.hold_sync():
            self.film, self.alt, self.stale = film, self._alt, False
            self.frame = min(self.frame, film["count"] - 1)

    def _with_before(self) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        """The videos and captions, with the last result right before the new one."""
        full = len(self._shown) == MAX_VIDEOS or BEFORE in self._shown
        if self._before is None or self.result not in self._shown or full:
            return dict(self._shown), self._captions
        video, caption = self._before
        videos: dict[str, np.ndarray] = {}
        for title, shown in self._shown.items():
            if title == self.result:
                videos[BEFORE] = held(video, len(shown))
            videos[title] = shown
        return videos, self._captions | {BEFORE: caption}

    @traitlets.validate("frame")
    def _within_film(self, proposal: Any) -> int:
        return min(max(0, proposal.value), max(0, self.film.get("count", 1) - 1))

    def _answer(self, _stage: object, content: dict[str, Any], _buffers: object) -> None:
        """A view asks for a file: make it and send it, or say why not."""
        if content.get("ask") != "file":
            return
        chosen = self.videos
        if content.get("title") in self.videos:
            chosen = {content["title"]: self.videos[content["title"]]}
        kind = str(content.get("format"))
        try:
            data = encode_file(chosen, self.fps, kind)
        except ValueError as error:
            self.send({"answer": "problem", "text": str(error)})
            return
        name = re.sub(r"\W+", "_", " ".join(chosen)).strip("_").lower() or "video"
        self.send({"answer": "file", "name": f"{name[:60]}.{kind}"}, [data])

    def still_picture(self) -> np.ndarray:
        """At most eight moments from left to right, one video a row: `[H, W, 3]` uint8."""
        rows = []
        for video in self.videos.values():
            moments = few_frames(video)
            width = max(1, round(STILL_SIZE * video.shape[2] / video.shape[1]))
            rows.append(
                np.stack(
                    [
                        cv2.resize(frame, (width, STILL_SIZE), interpolation=cv2.INTER_AREA)
                        for frame in moments
                    ]
                )
            )
        return sheet(rows)

    def described(self) -> str:
        """Titles, captions and what happens, in words."""
        captions = self._with_before()[1]
        named = [
            f"{title} ({captions[title]})" if captions.get(title) else title
            for title in self.videos
        ]
        count = self.film["count"]
        moments = f"{count} frame{'s' if count != 1 else ''} in step"
        return f"{moments}: {'; '.join(named)}. {self.alt}".strip()
