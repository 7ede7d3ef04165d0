"""A lesson in a room: the seat is the seed, and cards come together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fyp_course.seats import RoomError, gather_cards, hand_in, seat
from fyp_lite.cards.card import RunCard, make_card
from fyp_lite.cards.picture import class_picture
from fyp_lite.opening import prepare_clip
from fyp_lite.request import Request
from fyp_lite.settings import ClipSettings, SampleSettings


@pytest.fixture(scope="module")
def card(tiny_pipeline) -> RunCard:
    from fyp_lite import data_dir

    clip, settings = str(data_dir() / "clips" / "dance.mp4"), ClipSettings(num_frames=2)
    sampling = SampleSettings(num_inference_steps=1, seed=seat(7))
    request = Request("a panda", clip, clip_settings=settings, sample_settings=sampling)
    frames = prepare_clip(clip, settings, tiny_pipeline.size).frames
    video = tiny_pipeline("a panda", frames, sampling).video
    return make_card(tiny_pipeline, request, video, 1.0)


def prompted(card: RunCard, prompt: str) -> RunCard:
    return replace(card, request=replace(card.request, prompt=prompt))


def test_a_seat_is_its_number_or_that_of_the_hubs_user(monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    assert seat(7) == 7
    with pytest.raises(RoomError, match=r"give the number on your table, seat\(7\)"):
        seat()
    monkeypatch.setenv("JUPYTERHUB_USER", "seat12")
    assert (seat(), seat(3)) == (12, 3)
    monkeypatch.setenv("JUPYTERHUB_USER", "teacher")
    with pytest.raises(RoomError):
        seat()


@pytest.mark.parametrize("number", [0, 1000, -1, True, 7.0, "7"])
def test_what_is_no_seat_is_refused(number):
    with pytest.raises(RoomError, match="whole number from 1 to 999"):
        seat(number)


def test_cards_are_handed_in_and_gathered_in_the_order_of_the_seats(card, tmp_path, monkeypatch):
    monkeypatch.setenv("FYP_LITE_CARDS", str(tmp_path))
    hand_in(prompted(card, "a robot"), 12)
    assert hand_in(card, 7) == tmp_path / "seat-007.png"
    hand_in(prompted(card, "a frog"), 7)  # thought better of it
    (tmp_path / "holiday.png").write_bytes(b"\x89PNG no picture")
    (tmp_path / "notes.txt").write_text("not asked for")
    cards, troubles = gather_cards()
    assert [card.request.prompt for card in cards] == ["a frog", "a robot"]
    assert len(troubles) == 1 and troubles[0].startswith("holiday.png is left out. ")
    assert class_picture(cards).shape[2] == 3


def test_a_card_that_cannot_be_written_has_a_sentence(card, tmp_path):
    (tmp_path / "seat-007.png").mkdir()
    with pytest.raises(RoomError, match=r"cannot be written \(.+\): .+ Is 7 your seat\?"):
        hand_in(card, 7, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["seat-007.png"]


def test_a_folder_that_is_missing_or_without_cards_has_a_sentence(card, tmp_path, monkeypatch):
    monkeypatch.delenv("FYP_LITE_CARDS", raising=False)
    with pytest.raises(RoomError, match="give one that all can reach"):
        gather_cards()
    with pytest.raises(RoomError, match="create it or name another"):
        hand_in(card, 7, tmp_path / "nowhere")
    with pytest.raises(RoomError, match="Save run cards there first"):
        gather_cards(tmp_path)
