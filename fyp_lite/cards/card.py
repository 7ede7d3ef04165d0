"""Run cards: all that made a video, small enough to paste, and enough to make it again.

A card is data, never code. As a picture it can be looked at; the same facts are in the picture's
text, so the PNG alone reproduces the video.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import platform
import warnings
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from PIL import Image, PngImagePlugin

import fyp_lite
from fyp_course.expected import frames_of_strip, resized
from fyp_course.show import MAX_STILLS, few_frames
from fyp_lite.cards.picture import class_picture, draw_card
from fyp_lite.clip import Clip, open_clip, prepare_clip
from fyp_lite.files.hashes import file_hash, weight_hashes
from fyp_lite.files.writing import file_path, written_whole
from fyp_lite.loading import WEIGHTS
from fyp_lite.opening import open_skeleton
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.settings import ClipSettings, SampleSettings
from fyp_lite.video import contact_sheet

__all__ = ["CardError", "ClipFacts", "RunCard", "class_picture", "clip_facts", "make_card"]

FORMAT = "fyp_lite run card 1"
CHUNK = "fyp_lite"  # the PNG text that holds the JSON
MOST_BYTES = 20_000_000  # of a card's file; a picture has about 200,000
MOST_CHARACTERS = 1_000_000  # of a card's JSON; a real one has about 25,000
THUMBNAIL = 96  # pixels, a frame of the thumbnail


class CardError(ValueError):
    """A run card that cannot be read or run: one sentence with what is wrong and what to do."""


@dataclass(frozen=True)
class RunCard:
    """What one video was made from, and by what. `make_card` fills it in.

    guidance_scale is the one used, also where the settings leave it to the model. detector: what
    found the people of a raw video, None for a clip of skeletons. The hashes are
    SHA-256: of the clip's file and of the model's weight files ("" for networks that were never
    saved). versions: of python, torch, diffusers and fyp_lite. seconds: what the run took.
    thumbnail: at most eight frames in a row, a WebP file.
    """

    prompt: str
    negative_prompt: str
    clip_settings: ClipSettings
    sample_settings: SampleSettings
    guidance_scale: float
    clip: str  # the file's name
    clip_hash: str
    detector: str | None
    fps: float
    model: str
    weights_hash: str
    versions: dict[str, str]
    device: str
    dtype: str
    seconds: float
    thumbnail: bytes

    def to_json(self) -> str:
        """The card as text, to be pasted elsewhere; `from_json` reads it."""
        values = asdict(self) | {"thumbnail": base64.b64encode(self.thumbnail).decode()}
        return json.dumps({"format": FORMAT} | values, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> RunCard:
        """The inverse of `to_json`.

        Raises:
            CardError: not a run card, or a field is missing, unknown or of the wrong kind.
            SettingsError: its settings are out of their range.
        """
        return cls(**_read_values(text))

    @property
    def frames(self) -> np.ndarray:
        """The thumbnail's frames, `[n, 96, 96, 3]` uint8."""
        return _decode_thumbnail(self.thumbnail)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a picture of the card with its facts inside (.png), or the facts only (.json).

        Raises CardError for another suffix.
        """
        path = file_path(path)
        data = io.BytesIO()
        if path.suffix.lower() == ".json":
            data.write(self.to_json().encode() + b"\n")
        elif path.suffix.lower() == ".png":
            facts = PngImagePlugin.PngInfo()
            facts.add_itxt(CHUNK, self.to_json(), zip=True)
            Image.fromarray(draw_card(self)).save(data, "PNG", pnginfo=facts, optimize=True)
        else:
            raise CardError(f"{path.name} is neither .png nor .json: rename it, then save again.")
        with written_whole(path) as part:
            part.write_bytes(data.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RunCard:
        """Read what `save` wrote, .png or .json. Raises CardError as `from_json` does."""
        path = file_path(path)
        if not path.is_file():
            raise CardError(f"There is no file {path}: check the name, and the folder it is in.")
        if (size := path.stat().st_size) > MOST_BYTES:
            raise CardError(f"{path.name} has {size} bytes, but a run card at most {MOST_BYTES}.")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CardError(f"{path.name} cannot be read: {error.strerror}.") from None
        if not data.startswith(b"\x89PNG"):
            return cls.from_json(data.decode("utf-8", errors="replace"))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
                    picture.load()  # a text may follow the pixels
                    text = getattr(picture, "text", {}).get(CHUNK)
        except Exception as error:  # Pillow has a dozen kinds of them for damaged files
            reason = str(error).split("\n")[0].split(" <")[0][:80] or type(error).__name__
            raise CardError(f"{path.name} is damaged ({reason}): get the file again.") from None
        if text is None:
            raise CardError(
                f"{path.name} is a picture without a run card inside: screenshots and chat "
                "programs lose it, so ask for the original file or for its JSON."
            )
        return cls.from_json(text)

    def run(
        self, pipeline: FollowYourPosePipeline, clip: str | os.PathLike[str] | None = None
    ) -> np.ndarray:
        """Make the video again: `[f, h, w, 3]` uint8, to be played at `card.fps`.

        Warns where the model is another one than the card's, as the video will then differ.

        Args:
            pipeline: the model.
            clip: path of the clip; not needed for a bundled one.

        Raises:
            CardError: the clip is not bundled and no path is given, or it has other content.
            KeypointsError: the detector of its people is not ready here.
        """
        path = fyp_lite.data_dir() / "clips" / self.clip if clip is None else Path(clip)
        if not path.is_file():
            raise CardError(f"There is no clip {path}: give the path of {self.clip} as clip=.")
        if file_hash(path) != self.clip_hash:
            raise CardError(
                f"{path.name} is not the clip that this card was made with (its SHA-256 is not "
                f"{self.clip_hash[:12]}...): give the original as clip=."
            )
        if _weights(pipeline)[1] != self.weights_hash:
            warnings.warn(
                f"this card was made with other weights ({self.model} {self.weights_hash[:12]}): "
                "the video will differ.",
                stacklevel=2,
            )
        settings = SampleSettings.from_dict(
            self.sample_settings.to_dict() | {"guidance_scale": self.guidance_scale}
        )
        kind = "raw" if self.detector else "skeleton"
        with open_skeleton(path, input_type=kind, backend=self.detector or "auto") as opened:
            skeleton = prepare_clip(opened, self.clip_settings, pipeline.size)
        return pipeline(
            self.prompt, skeleton.frames, settings, negative_prompt=self.negative_prompt
        ).video


class ClipFacts(NamedTuple):
    """What a card says of its clip: the file's name and SHA-256, what found its people (None for a
    clip of skeletons), frames a second."""

    name: str
    hash: str
    detector: str | None
    fps: float


def clip_facts(clip: Clip | str | os.PathLike[str]) -> ClipFacts:
    """The facts of a clip that is open, or of a path."""
    if not isinstance(clip, Clip):
        with open_clip(clip) as opened:
            return clip_facts(opened)
    return ClipFacts(clip.path.name, file_hash(clip.path), clip.detector, clip.fps)


def make_card(
    pipeline: FollowYourPosePipeline,
    clip: ClipFacts | Clip | str | os.PathLike[str],
    clip_settings: ClipSettings,
    sample_settings: SampleSettings,
    prompt: str,
    video: np.ndarray,
    seconds: float,
    negative_prompt: str = "",
) -> RunCard:
    """The run card of a finished video.

    Args:
        pipeline, clip, clip_settings, sample_settings, prompt, negative_prompt: what made it; the
            clip is open, a path, or what `clip_facts` said of it.
        video: the result `[f, h, w, 3]` uint8.
        seconds: what the run took.
    """
    facts = clip if isinstance(clip, ClipFacts) else clip_facts(clip)
    model, weights_hash = _weights(pipeline)
    return RunCard(
        prompt=prompt,
        negative_prompt=negative_prompt,
        clip_settings=clip_settings,
        sample_settings=sample_settings,
        guidance_scale=float(pipeline.guidance_scale(sample_settings)),
        clip=facts.name,
        clip_hash=facts.hash,
        detector=facts.detector,
        fps=facts.fps / clip_settings.frame_stride,
        model=model,
        weights_hash=weights_hash,
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "fyp_lite": fyp_lite.__version__,
        },
        device=pipeline.device.type,
        dtype=str(pipeline.unet.dtype).removeprefix("torch."),
        seconds=round(seconds, 2),
        thumbnail=_encode_thumbnail(video),
    )


# ---------------------------------------------------------------------------- reading a card


def _read_values(text: str) -> dict[str, Any]:
    """The fields of a card's JSON, each checked."""
    if len(text) > MOST_CHARACTERS:
        raise CardError(f"The text has {len(text)} characters, but a run card at most 1,000,000.")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise CardError(
            "This text is not a run card: paste all of it, from the first { to the last }."
        ) from None
    found = values.pop("format", None) if isinstance(values, dict) else None
    if found != FORMAT:
        raise CardError(
            f"Its format is {found!r:.60}, but {FORMAT!r} is read here: use a card that this "
            "version of fyp_lite saved."
        )
    if "detector" not in values:  # older cards hold it among the versions
        found = values.get("versions")
        values["detector"] = found.pop("detector", None) if isinstance(found, dict) else None
    names = {field.name for field in fields(RunCard)}
    if values.keys() != names:
        missing, extra = sorted(names - values.keys()), sorted(values.keys() - names)
        raise CardError(
            f"The run card lacks {missing} and has unknown {extra!s:.100}: paste it unchanged."
        )
    for field in fields(RunCard):
        values[field.name] = _read_value(field.name, str(field.type), values[field.name])
    clip = values["clip"]
    if Path(clip).name != clip or "\\" in clip or clip in ("", ".."):
        raise CardError(
            f"The card's clip is {clip!r:.60}, but must be a file's name without a folder: paste "
            "it again."
        )
    return values


def _read_value(name: str, kind: str, value: Any) -> Any:
    """One field as the kind that `RunCard` declares for it."""
    if kind == "ClipSettings":
        return ClipSettings.from_dict(value)
    if kind == "SampleSettings":
        return SampleSettings.from_dict(value)
    if kind == "bytes" and isinstance(value, str):
        try:
            thumbnail = base64.b64decode(value, validate=True)
        except ValueError:
            raise CardError("The card's thumbnail is damaged: paste the card unchanged.") from None
        _decode_thumbnail(thumbnail)
        return thumbnail
    right = {
        "str": _is_text(value),
        "str | None": value is None or (_is_text(value) and value != ""),
        "float": isinstance(value, int | float)
        and not isinstance(value, bool)
        and 0 <= value <= 1e9,  # neither infinite nor NaN
        "dict[str, str]": isinstance(value, dict)
        and all(_is_text(entry) for pair in value.items() for entry in pair),
    }
    if not right.get(kind):
        raise CardError(f"The card's {name} is {value!r:.60}, but must be {kind}: paste it again.")
    return float(value) if kind == "float" else value


def _is_text(value: object) -> bool:
    """Whether it can be written to a file: JSON can also hold halves of letters."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


# ---------------------------------------------------------------------------- what a card holds


def _encode_thumbnail(video: np.ndarray) -> bytes:
    data = io.BytesIO()
    frames = resized(few_frames(video), THUMBNAIL)
    sheet = Image.fromarray(contact_sheet(frames, columns=len(frames)))
    sheet.save(data, "WEBP", quality=80, method=6)
    return data.getvalue()


def _decode_thumbnail(thumbnail: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(thumbnail), formats=["WEBP"]) as picture:
            whole = [(n * (THUMBNAIL + 1) - 1, THUMBNAIL) for n in range(1, MAX_STILLS + 1)]
            if picture.size in whole:
                return frames_of_strip(np.asarray(picture.convert("RGB")), THUMBNAIL)
    except Exception:  # as in `load`
        pass
    raise CardError("The card's thumbnail is damaged: paste the card unchanged.")


def _weights(pipeline: FollowYourPosePipeline) -> tuple[str, str]:
    """A pipeline's name and the SHA-256 of its weight files; ("unsaved", "") without files."""
    folder = Path(pipeline.name_or_path or "")
    files = weight_hashes(folder) if pipeline.name_or_path else {}
    if not files:
        return "unsaved", ""
    hashes = "".join(f"{name} {file}\n" for name, file in files.items())
    name = "lite" if folder == WEIGHTS / "lite" else folder.name
    return name, hashlib.sha256(hashes.encode()).hexdigest()
