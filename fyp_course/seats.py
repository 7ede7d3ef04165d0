"""A lesson in a room: a seat number for everyone, and everybody's run card in one class picture.

settings = SampleSettings(seed=seat(7))     # each seat has noise of its own
hand_in(card, 7)                            # the learner
cards, troubles = gather_cards(folder)      # the instructor
show_picture(class_picture(cards), "What everybody made")
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from fyp_lite.cards.card import RunCard
from fyp_lite.cards.picture import save_card
from fyp_lite.files.writing import ClipError

MAX_SEATS = 999


class RoomError(ValueError):
    """No seat number, or no folder for cards: one sentence with what is missing and the fix."""


def seat(number: int | None = None) -> int:
    """The seat's number, to be used as the seed: neighbours get different takes of one scene.

    Args:
        number: 1 to 999, from the table; on a hub whose users are called seat01, seat02, …, None
            takes it from the user's name.

    Raises:
        RoomError: no such number, or None where no hub tells it.
    """
    if number is None:
        match = re.fullmatch(r"seat(\d{1,3})", os.environ.get("JUPYTERHUB_USER", ""))
        if not match:
            raise RoomError("No hub tells the seat here: give the number on your table, seat(7).")
        number = int(match[1])
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MAX_SEATS:
        raise RoomError(f"A seat is a whole number from 1 to {MAX_SEATS}, not {number!r}.")
    return number


def hand_in(
    card: RunCard, number: int | None = None, folder: str | os.PathLike[str] | None = None
) -> Path:
    """Put a card into the class's folder as seat-007.png; a seat's later card replaces it.

    Args:
        card: of the video to be shown.
        number: as for `seat`.
        folder: None takes the one that the hub names in FYP_LITE_CARDS.

    Raises:
        RoomError: no seat number, no such folder, or one that takes no card from here.
    """
    number, folder = seat(number), _cards_folder(folder)
    path = folder / f"seat-{number:03}.png"
    try:
        save_card(card, path)
    except (OSError, ClipError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RoomError(f"{path} cannot be written ({reason}): is {number} your seat?") from None
    return path


def gather_cards(
    folder: str | os.PathLike[str] | None = None,
) -> tuple[list[RunCard], list[str]]:
    """All cards of a folder in the order of their file names, and a sentence for each bad one.

    Args:
        folder: with .png or .json cards; None as for `hand_in`.

    Raises:
        RoomError: no such folder, or no card in it that can be read.
    """
    folder = _cards_folder(folder)
    cards, troubles = [], []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".png", ".json") or path.name.startswith("."):
            continue
        try:
            cards.append(RunCard.load(path))
        except ValueError as error:
            troubles.append(f"{path.name} is left out. {error}")
    if not cards:
        reasons = " ".join(troubles) or "Save run cards there first, as PNG or JSON."
        raise RoomError(f"There is no run card in {folder}. {reasons}")
    return cards, troubles


def _cards_folder(folder: str | os.PathLike[str] | None) -> Path:
    given = folder if folder is not None else os.environ.get("FYP_LITE_CARDS")
    if not given:
        raise RoomError("No hub names a folder for cards here: give one that all can reach.")
    path = Path(given).expanduser()
    if not path.is_dir():
        raise RoomError(f"There is no folder {path} for cards: create it or name another.")
    return path
