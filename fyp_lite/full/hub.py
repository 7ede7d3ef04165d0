"""Where a published model's files are: in a folder, in the hub's cache, or still on the hub.

Nothing is fetched without `fetch`, and `ask` says before what that would be.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from fyp_lite.files.hashes import CheckpointError, file_hash
from fyp_lite.files.writing import file_path, written_whole

HUB_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")
TIMEOUT = 20  # seconds for the hub to say what it has


@dataclass(frozen=True)
class Source:
    """One place that files come from.

    Attributes:
        name: a folder, or `owner/name@revision` on the hub (a commit pins it; main by default).
        wanted: files in it, each as its alternatives: the first that is there is taken.
    """

    name: str
    wanted: tuple[tuple[str, ...], ...]

    @property
    def is_folder(self) -> bool:
        return file_path(self.name).is_dir()

    def hub_name(self) -> tuple[str, str]:
        """(repository, revision). Raises CheckpointError where the name is not of that form."""
        found = HUB_NAME.fullmatch(self.name)
        if found is None:
            raise CheckpointError(
                f"{self.name!r} is neither a folder on this machine nor a name on the hub: give a "
                "folder, or owner/name or owner/name@revision."
            )
        return found["repository"], found["revision"] or constants.DEFAULT_REVISION


@dataclass(frozen=True)
class LocalFiles:
    """A source's files on this machine; `commit` is "" for a folder that is not the hub's."""

    name: str
    folder: Path
    files: tuple[str, ...]
    commit: str = ""

    def weights(self, part: str) -> Path:
        """The weights in one of its folders, such as "vae"."""
        names = (name for name in self.files if name.startswith(f"{part}/"))
        return self.folder / next(name for name in names if not name.endswith((".json", ".txt")))


@dataclass(frozen=True)
class HubFile:
    name: str
    size: int  # bytes
    sha256: str  # "" for small files, of which the hub keeps none
    cached: bool  # on this machine already


@dataclass(frozen=True)
class Offer:
    """What the hub has of a source, and how much of it is still to be fetched."""

    source: Source
    commit: str
    licence: str  # as the repository's own page states it
    files: tuple[HubFile, ...]

    @property
    def missing_bytes(self) -> int:
        return sum(file.size for file in self.files if not file.cached)

    def __str__(self) -> str:
        repository, _ = self.source.hub_name()
        return (
            f"{repository} at {self.commit[:12]}: {self.missing_bytes / 1e9:.2f} GB to download "
            f"({len(self.files)} files), licence: {self.licence} "
            f"(read it: https://huggingface.co/{repository})"
        )


def locate(source: Source) -> LocalFiles | None:
    """A source's files on this machine, or None where the hub's cache lacks any of them.

    Raises:
        CheckpointError: a folder that lacks a file, or a name that is no name on the hub.
    """
    if source.is_folder:
        folder = file_path(source.name).resolve()
        there = {name for names in source.wanted for name in names if (folder / name).is_file()}
        return LocalFiles(folder.name, folder, choose(source, there))
    repository, revision = source.hub_name()
    cached = {}
    for name in (name for names in source.wanted for name in names):
        path = try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(path, str):
            cached[name] = Path(path)
    if not all(cached.keys() & set(names) for names in source.wanted):
        return None
    files = choose(source, cached.keys())
    folder = cached[files[0]].parents[files[0].count("/")]
    return LocalFiles(repository, folder, files, commit=folder.name)


def choose(source: Source, there: Collection[str]) -> tuple[str, ...]:
    """One of each file's alternatives. Raises CheckpointError that names what is missing."""
    files = [next((name for name in names if name in there), "") for names in source.wanted]
    missing = [names[0] for names, file in zip(source.wanted, files, strict=True) if not file]
    if missing:
        raise CheckpointError(
            f"{source.name} has no {' and no '.join(missing)}: give one in the layout that is "
            "published, see docs/full_model.md."
        )
    return tuple(files)


def ask(source: Source) -> Offer:
    """Ask the hub what it has; fetches nothing.

    Raises:
        CheckpointError: the hub cannot be reached, or does not have the repository or its files.
    """
    repository, revision = source.hub_name()
    try:
        info = HfApi().model_info(
            repository, revision=revision, files_metadata=True, timeout=TIMEOUT
        )
    except Exception as error:  # the hub's client raises its own errors and its network library's
        raise CheckpointError(
            f"The hub does not answer for {source.name} ({_first_line(error)}): check the name and "
            "the network, or give a folder."
        ) from None
    there = {file.rfilename: file for file in info.siblings or []}
    commit = info.sha or revision
    files = tuple(
        HubFile(
            name,
            there[name].size or 0,
            lfs.sha256 if (lfs := there[name].lfs) else "",
            isinstance(try_to_load_from_cache(repository, name, revision=commit), str),
        )
        for name in choose(source, there)
    )
    stated = info.card_data.get("license") if info.card_data else None
    return Offer(source, commit, stated or "none stated", files)


def fetch(offer: Offer) -> LocalFiles:
    """Download an offer into the hub's cache; resumes an interrupted download.

    The hub's own client starts an interrupted file from its beginning, so the unfinished part is
    kept here, beside its place.

    Raises:
        CheckpointError: the download did not finish, or a file is not what the hub announced.
    """
    repository, revision = offer.source.hub_name()
    cache = Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    snapshot = cache / "snapshots" / offer.commit
    for file in offer.files:
        if not file.cached:
            url = hf_hub_url(repository, file.name, revision=offer.commit)
            _download(url, file, snapshot / file.name)
    if revision != offer.commit:
        reference = cache / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(reference) as part:
            part.write_text(offer.commit)
    names = tuple(file.name for file in offer.files)
    return LocalFiles(repository, snapshot, names, offer.commit)


def _download(url: str, file: HubFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("ab") as unfinished:
            http_get(
                url,
                unfinished,
                resume_size=unfinished.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.name,
            )
    except Exception as error:  # as in `ask`
        raise CheckpointError(
            f"The download of {file.name} did not finish ({_first_line(error)}): start it again, "
            "it resumes."
        ) from None
    if file.sha256 and file_hash(part) != file.sha256:
        part.unlink()
        raise CheckpointError(
            f"The download of {file.name} was damaged on its way (its SHA-256 is not "
            f"{file.sha256[:12]}...): start it again."
        )
    os.replace(part, target)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
