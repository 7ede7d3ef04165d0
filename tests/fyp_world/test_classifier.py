"""The attribute classifier, its losses, and the judge's folder."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from fyp_lite.files.hashes import CheckpointError, write_hashes
from fyp_lite.judges.classifier import ATTRIBUTES, OF_PEOPLE, OF_PICTURES, AttributeClassifier
from fyp_lite.judges.scores import Judge
from fyp_lite.keypoint_network import KeypointNet
from fyp_world.training.attribute_network import (
    NAMES,
    alike_cells,
    attribute_losses,
    cell_loss,
    labels_of,
)
from fyp_world.world.captions import CharacterSpec
from fyp_world.world.dataset import Scene

SMALL = (8, 8, 8, 8)


@pytest.fixture(scope="module")
def network() -> AttributeClassifier:
    torch.manual_seed(0)
    return AttributeClassifier(NAMES, SMALL, 8).eval()


def test_probabilities_of_frames_of_any_size(network):
    frames = np.random.default_rng(0).integers(0, 256, (3, 90, 120, 3), dtype=np.uint8)
    probabilities = network.probabilities(frames)
    assert tuple(probabilities) == ATTRIBUTES == tuple(NAMES)  # labels come in that order too
    for name, values in probabilities.items():
        assert values.shape == (3, len(NAMES[name]))
        assert ((values >= 0) & (values <= 1)).all()
        if name in OF_PICTURES:
            np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


def test_bad_input_is_named(network):
    with pytest.raises(ValueError, match=r"float64 of shape \(1, 256, 256, 3\)"):
        network.probabilities(np.zeros((1, 256, 256, 3)))
    with pytest.raises(ValueError, match="wrong about cute, weather"):
        AttributeClassifier({n: v for n, v in NAMES.items() if n != "cute"} | {"weather": ["rain"]})


def test_labels_say_what_is_true_and_what_can_be_told():
    people = (CharacterSpec("panda"), CharacterSpec("robot", cute=True))
    labels = labels_of(Scene(people, "moon", "day", "Minecraft", 0))
    flat = [name for names in NAMES.values() for name in names]
    true = {name for name, value in zip(flat, labels["facts"], strict=True) if value}
    assert true == {"panda", "robot", "two", "moon", "day", "Minecraft", "cute"}
    unseen = {name for name, value in zip(flat, labels["judged"], strict=True) if not value}
    assert unseen == set(NAMES["colour"])


def test_what_cannot_be_told_is_not_learned(network):
    logits = torch.randn(2, sum(map(len, NAMES.values())), requires_grad=True)
    facts, judged = torch.zeros_like(logits), torch.ones_like(logits)
    start = sum(len(NAMES[name]) for name in (*OF_PEOPLE, "count"))
    places = slice(start, start + len(NAMES["place"]))
    facts[:, places.start] = 1
    judged[1, places] = 0
    losses = attribute_losses(network, logits, facts.detach(), judged)
    losses["loss"].backward()
    assert logits.grad is not None
    assert logits.grad[0, places].abs().min() > 0
    assert logits.grad[1, places].abs().max() == 0
    assert losses["place wrong"] == float(logits[0, places].argmax() != 0)


def test_cells_learn_only_where_people_of_one_kind_are():
    panda, robot = CharacterSpec("panda"), CharacterSpec("robot")
    people = np.zeros((3, 17, 3), np.float32)
    people[0, 5] = [40, 100, 1]
    alike = alike_cells(Scene((panda, panda), "moon", "day", "plain", 0), people)
    assert alike.nonzero().tolist() == [[100 // 16, 40 // 16]]
    assert not alike_cells(Scene((panda, robot), "moon", "day", "plain", 0), people).any()

    cells = torch.zeros(1, 35, 16, 16, requires_grad=True)
    labels = labels_of(Scene((panda,), "moon", "day", "plain", 0))
    loss = cell_loss(cells, labels["facts"][None], labels["judged"][None], alike[None])
    loss.backward()
    assert loss.item() == pytest.approx(25 * math.log(2))  # 24 characters and cute, no colours
    assert cells.grad is not None
    assert (cells.grad != 0).sum() == 25
    assert cells.grad[0, NAMES["character"].index("panda"), 6, 2] < 0


def test_it_learns_to_tell_a_red_place_from_a_blue_one():
    torch.manual_seed(0)
    network = AttributeClassifier(NAMES, SMALL, 8)
    pictures = torch.zeros(2, 3, 64, 64)
    pictures[0, 0] = pictures[1, 2] = 1
    scenes = [
        Scene((CharacterSpec("panda"),), f"{colour} background", "day", "plain", 0)
        for colour in ("red", "blue")
    ]
    labels = [labels_of(s) for s in scenes]
    facts, judged = (torch.stack([item[name] for item in labels]) for name in ("facts", "judged"))
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.02)
    for _ in range(60):
        losses = attribute_losses(network, network(pictures), facts, judged)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    assert losses["place wrong"] == losses["character wrong"] == 0


@pytest.fixture(scope="module")
def judge(network, tmp_path_factory) -> Judge:
    folder = tmp_path_factory.mktemp("judges")
    KeypointNet((8, 8)).save_pretrained(folder / "keypoints")
    network.save_pretrained(folder / "attributes")
    for name in ("keypoints", "attributes"):
        write_hashes(folder / name)
    return Judge(folder)


def test_a_judge_reads_videos(judge, network):
    video = np.random.default_rng(1).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    assert judge.names == NAMES
    seen = judge.sees(video)
    place = int(network.probabilities(video)["place"].mean(axis=0).argmax())
    assert seen["place"] == {NAMES["place"][place]}
    assert judge.prompt(video, {"place": seen["place"]}) == {"place": True}
    assert 0 <= judge.identity(video) <= 1
    assert judge.keypoints(video).shape[0] == 2
    truth = np.zeros((2, 1, 17, 3), np.float32)
    assert "limbs @0.05" in judge.follow(video, truth)


def test_a_judge_names_what_it_does_not_know(judge, tmp_path):
    video = np.zeros((1, 256, 256, 3), np.uint8)
    with pytest.raises(ValueError, match="no place 'see'.*sea"):
        judge.prompt(video, {"place": ["see"]})
    with pytest.raises(CheckpointError):
        Judge(tmp_path)
