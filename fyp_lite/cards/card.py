"""Run cards: a request and what made a video of it, enough to make the video again.

A card is data, never code. As JSON it is one flat object: the fields of the request, and under
"made" the provenance. A settings file or a preset is the same without "made", and may leave fields
out; `read_card` reads all of them. As a picture (`picture.save_card`) a card can be looked at, and
its text holds the same JSON.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import platform
import warnings
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from PIL import Image

from fyp_lite.clip import Clip
from fyp_lite.files.hashes import file_hash, weight_hashes
from fyp_lite.files.writing import file_path
from fyp_lite.folders import data_dir
from fyp_lite.model_folder import WEIGHTS
from fyp_lite.opening import open_clip, open_skeleton
from fyp_lite.pipeline import FollowYourPosePipeline
from fyp_lite.request import REQUEST_NAMES, SETTINGS, Request
from fyp_lite.text import one_line
from fyp_lite.version import __version__
from fyp_lite.video import MAX_STILLS, contact_sheet, few_frames, frames_of_strip, resized

FORMAT = "fyp_lite run card 2"
# Of the values of a card by name; all others are text.
KINDS: dict[str, type] = dict.fromkeys((*SETTINGS, "made"), dict)
KINDS |= {"redraw": bool, "max_people": int}
KIND_NAMES = {dict: "an object", bool: "true or false", int: "a whole number", str: "text"}
CHUNK = "fyp_lite"  # the PNG text that holds the JSON
MAX_BYTES = 20_000_000  # of a card's file; a picture has about 200,000
MAX_CHARACTERS = 1_000_000  # of a card's JSON; a real one has about 25,000
THUMBNAIL = 96  # pixels, a frame of the thumbnail


class CardError(ValueError):
    """A run card that cannot be read or run: one sentence with what is wrong and what to do."""


@dataclass(frozen=True)
class Provenance:
    """What made a video of a request.

    The hashes are SHA-256: of the clip's file and of the model's weight files ("" for networks that
    were never saved). fps: of the video. model: its name. versions: of python, torch, diffusers and
    fyp_lite. seconds: what the run took. thumbnail: at most eight frames in a row, a WebP file.
    """

    clip_hash: str
    fps: float
    model: str
    weights_hash: str
    versions: dict[str, str]
    device: str
    dtype: str
    seconds: float
    thumbnail: bytes


@dataclass(frozen=True)
class RunCard:
    """What one video was made from, and by what. `make_card` fills it in.

    The request's clip is a file name, its model and its guidance scale are those that were used,
    and its backend is what found the people of a raw video, "auto" for a clip of skeletons.
    """

    request: Request
    made: Provenance

    def to_json(self) -> str:
        """The card as text, to be pasted elsewhere; `from_json` reads it."""
        made = asdict(self.made) | {"thumbnail": base64.b64encode(self.made.thumbnail).decode()}
        values = {"format": FORMAT} | self.request.to_dict() | {"made": made}
        text = json.dumps(values, indent=1, ensure_ascii=False)
        # Bytes of a clip's name that are no text become JSON's escapes.
        return text.encode(errors="backslashreplace").decode()

    @classmethod
    def from_json(cls, text: str) -> RunCard:
        """The inverse of `to_json`.

        Raises:
            CardError: not a run card, or a field is missing, unknown or of the wrong kind.
            SettingsError: its settings are out of their range.
        """
        return _whole_card(parse_card(text))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RunCard:
        """Read what `save_card` wrote, .png or .json. Raises CardError as `from_json` does."""
        return _whole_card(read_card(path))

    @property
    def detector(self) -> str | None:
        """What found the people of a raw video; None for a clip of skeletons."""
        return None if self.request.backend == "auto" else self.request.backend

    @property
    def frames(self) -> np.ndarray:
        """The thumbnail's frames, `[n, 96, 96, 3]` uint8."""
        return _decode_thumbnail(self.made.thumbnail)

    def run(
        self, pipeline: FollowYourPosePipeline, clip: str | os.PathLike[str] | None = None
    ) -> np.ndarray:
        """Make the video again: `[f, h, w, 3]` uint8, to be played at `card.made.fps`.

        Warns where weights or dtype are not those of the card, as the video will then differ.

        Args:
            pipeline: the model.
            clip: path of the clip; not needed for a bundled one.

        Raises:
            CardError: the clip is not bundled and no path is given, or it has other content.
            KeypointsError: the detector of its people is not ready here.
        """
        request, made = self.request, self.made
        name = Path(request.clip_name).name
        path = data_dir() / "clips" / name if clip is None else Path(clip)
        if not path.exists():
            path_shown, name = one_line(str(path)), one_line(name)
            raise CardError(f"There is no clip {path_shown}: give the path of {name} as clip=.")
        check_clip(path, made.clip_hash, "give the original as clip=.")
        other = []
        if made.weights_hash != _weights(pipeline)[1]:
            other.append(f"other weights ({made.model} {made.weights_hash[:12]})")
        if made.dtype != _dtype(pipeline):
            other.append(f"dtype {made.dtype}")
        if other:
            warnings.warn(
                f"this card was made with {' and '.join(other)}: the video will differ.",
                stacklevel=2,
            )
        kind = "raw" if self.detector else "skeleton"
        with open_skeleton(
            path,
            input_type=kind,
            backend=request.backend,
            max_people=request.max_people,
            redraw=request.redraw,
        ) as opened:
            skeleton = opened.prepare(request.clip_settings, pipeline.size)
        return pipeline(
            request.prompt,
            skeleton.frames,
            request.sample_settings,
            negative_prompt=request.negative_prompt,
        ).video


def check_clip(path: Path, expected: str, fix: str) -> None:
    """Refuse a file that only has the name of a card's clip. Raises CardError with `fix`."""
    if not path.exists() or file_hash(path) != expected:
        raise CardError(
            f"{one_line(path.name)} is not the clip that this card was made with (its SHA-256 is "
            f"not {expected[:12]}...): {fix}"
        )


class ClipFacts(NamedTuple):
    """What a card says of its clip: the file's name and SHA-256, what found its people (None for a
    clip of skeletons), frames a second."""

    name: str
    hash: str
    detector: str | None
    fps: float


def clip_facts(clip: Clip | str) -> ClipFacts:
    """The facts of a clip that is open, or of a path."""
    if not isinstance(clip, Clip):
        with open_clip(clip) as opened:
            return clip_facts(opened)
    return ClipFacts(clip.path.name, file_hash(clip.path), clip.detector, clip.fps)


def make_card(
    pipeline: FollowYourPosePipeline,
    request: Request,
    video: np.ndarray,
    seconds: float,
    facts: ClipFacts | None = None,
) -> RunCard:
    """The run card of a finished video.

    Args:
        pipeline: the model.
        request: what it made.
        video: the result `[f, h, w, 3]` uint8.
        seconds: what the run took.
        facts: what `clip_facts` said of the clip; None to look at it now.
    """
    facts = facts or clip_facts(request.clip)
    model, weights_hash = _weights(pipeline)
    scale = float(pipeline.guidance_scale(request.sample_settings))
    made = Provenance(
        clip_hash=facts.hash,
        fps=facts.fps / request.clip_settings.frame_stride,
        model=model,
        weights_hash=weights_hash,
        versions={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "fyp_lite": __version__,
        },
        device=pipeline.device.type,
        dtype=_dtype(pipeline),
        seconds=round(seconds, 2),
        thumbnail=_encode_thumbnail(video),
    )
    request = replace(
        request,
        clip=facts.name,
        sample_settings=replace(request.sample_settings, guidance_scale=scale),
        backend=facts.detector or "auto",
        model=model,
    )
    return RunCard(request, made)


def differences(a: RunCard, b: RunCard) -> list[str]:
    """What two runs do not have in common, each as "seed: 0 → 1"; empty where nothing differs."""
    one, other = (_facts(card) for card in (a, b))
    return [f"{name}: {one[name]} → {other[name]}" for name in one if one[name] != other[name]]


def _facts(card: RunCard) -> dict[str, Any]:
    request, made = card.request, card.made
    return {
        "prompt": request.prompt,
        "negative prompt": request.negative_prompt or "none",
        "clip": one_line(Path(request.clip_name).name),
        "detector": card.detector or "none",
        "max_people": request.max_people,
        "redraw": request.redraw,
        **request.clip_settings.to_dict(),
        **request.sample_settings.to_dict(),
        "model": f"{made.model} {made.weights_hash[:8]}".strip(),
    }


# ---------------------------------------------------------------------------- reading a card


def read_card(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The values of a run card (.png, .json), a settings file or a preset; see `parse_card`.

    Raises CardError for a file that cannot be read.
    """
    path = file_path(path)
    if not path.is_file():
        raise CardError(f"There is no file {path}: check the name, and the folder it is in.")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise CardError(f"{path.name} has {size} bytes, but a run card at most {MAX_BYTES}.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CardError(f"{path.name} cannot be read: {error.strerror}.") from None
    if not data.startswith(b"\x89PNG"):
        return parse_card(data.decode("utf-8", errors="replace"), path.name)
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
    return parse_card(text, path.name)


def parse_card(text: str, name: str = "This text") -> dict[str, Any]:
    """The fields of a request that a JSON text has, and "made", a Provenance, where it has one.

    Raises:
        CardError: no card, or a field is unknown or of the wrong kind; the sentence begins with
            `name`.
    """
    if len(text) > MAX_CHARACTERS:
        raise CardError(
            f"{name} has {len(text)} characters, but a run card at most {MAX_CHARACTERS:,}."
        )
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise CardError(
            f"{name} is not a run card: it must be JSON, from the first {{ to the last }}."
        ) from None
    if not isinstance(values, dict):
        raise CardError(f"{name} is not a run card: it must be a JSON object.")
    if values.pop("format", FORMAT) != FORMAT:
        raise CardError(
            f"{name} has another format than {FORMAT!r}: use a card that this version of fyp_lite "
            "saved."
        )
    known = {*REQUEST_NAMES, *SETTINGS, "made"}
    if extra := sorted(values.keys() - known):
        raise CardError(f"{name} has {extra!s:.100}, but only {sorted(known)} are known.")
    for key, value in values.items():
        kind: type = KINDS.get(key, str)
        right = _is_text(value) or key == "clip"  # a file's name need be no text
        if type(value) is not kind or (kind is str and not right):
            raise CardError(
                f"{name} has {value!r:.60} as {key}, but it must be {KIND_NAMES[kind]}."
            )
    if "made" in values:
        values["made"] = _read_provenance(values["made"])
    return values


def _whole_card(values: dict[str, Any]) -> RunCard:
    if "made" not in values:
        raise CardError(
            "This is a settings file, not a run card: it does not say what made its video."
        )
    made = values.pop("made")
    missing = [name for name in (*REQUEST_NAMES, *SETTINGS) if name not in values]
    if missing:
        raise CardError(f"The run card lacks {missing!s:.100}: paste it unchanged.")
    request = Request.from_dict(values)
    if request.sample_settings.guidance_scale is None:
        raise CardError(
            "The run card does not say which guidance_scale was used: paste it unchanged."
        )
    return RunCard(request, made)


def _read_provenance(values: dict[str, Any]) -> Provenance:
    names = {field.name for field in fields(Provenance)}
    if values.keys() != names:
        missing, extra = sorted(names - values.keys()), sorted(values.keys() - names)
        raise CardError(
            f"The run card lacks {missing} and has unknown {extra!s:.100}: paste it unchanged."
        )
    return Provenance(
        **{f.name: _read_value(f.name, str(f.type), values[f.name]) for f in fields(Provenance)}
    )


def _read_value(name: str, kind: str, value: Any) -> Any:
    """One field as the kind that `Provenance` declares for it."""
    if kind == "bytes" and isinstance(value, str):
        try:
            thumbnail = base64.b64decode(value, validate=True)
        except ValueError:
            raise CardError("The card's thumbnail is damaged: paste the card unchanged.") from None
        _decode_thumbnail(thumbnail)
        return thumbnail
    right = {
        "str": _is_text(value),
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


def _dtype(pipeline: FollowYourPosePipeline) -> str:
    return str(pipeline.unet.dtype).removeprefix("torch.")
