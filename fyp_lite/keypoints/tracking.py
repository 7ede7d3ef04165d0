"""Steady skeletons: who is who from frame to frame, short gaps filled, jitter smoothed.

Everything here takes and returns keypoints `[f, people, 17, 3]` (x, y, confidence) in pixels and
sees the whole clip at once, so that it may look ahead: nothing lags behind the motion.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from fyp_lite.keypoints.doubles import weight
from fyp_lite.skeleton import MIN_CONFIDENCE

# Following people. Distances are in body sizes: the longer side of the box around a person.
JUMP = 0.4  # how far from where it was expected somebody may be found,
SPEED = 2.0  # and how much farther for every second that it was missing
LOST = 1.0  # seconds after which others are matched first
FORESIGHT = 0.5  # seconds for which somebody who is missing is expected to move on
MEMORY = 0.2  # seconds over which the speed is measured
SIZE_WEIGHT = 0.3  # cost of a change of size by a factor of e
MIN_SHARE = 0.05  # of the main person's weight: who has less is a false alarm

MAX_GAP = 0.4  # seconds of a missing joint that are filled in
SPIKE_SPEED = 7.0  # body sizes a second, away and back at once: faster than any hand
# Of a Butterworth filter run forwards and backwards, as is usual in gait analysis (Winter,
# "Biomechanics and Motor Control of Human Movement"). Against noise of 0.5 and 1.5 % of the body on
# walks, dances, kicks and punches it comes nearer to the true motion than Savitzky-Golay filters
# and other cut-offs. Only a motion of 2.5 times that speed loses by it, hence the limit.
CUTOFF = 5.0  # Hz
MAX_SHIFT = 0.02  # body sizes that smoothing may move a joint: what is more is motion


# ---------------------------------------------------------------------------- identity


class _Track:
    """One person so far: when it was seen, and its joints then."""

    def __init__(self, frame: int, person: np.ndarray) -> None:
        self.frames, self.poses = [frame], [person]
        self.latest = person.copy()  # the last known place of every joint

    def add(self, frame: int, person: np.ndarray) -> None:
        self.frames.append(frame)
        self.poses.append(person)
        seen = person[:, 2] > 0
        self.latest[seen] = person[seen]

    def expected(self, frame: int, fps: float) -> np.ndarray:
        """Where its joints should be by now: the whole body keeps its speed for a while."""
        back = max(1, round(MEMORY * fps))
        then = bisect_left(self.frames, self.frames[-1] - back)
        old, new = self.poses[then], self.poses[-1]
        both = (old[:, 2] > 0) & (new[:, 2] > 0)
        ahead = self.latest.copy()
        if then < len(self.frames) - 1 and both.any():
            step = np.median(new[both, :2] - old[both, :2], axis=0)
            away = min(frame - self.frames[-1], FORESIGHT * fps)
            ahead[:, :2] += step * away / (self.frames[-1] - self.frames[then])
        return ahead


def follow_people(detected: np.ndarray, fps: float, *, max_people: int) -> np.ndarray:
    """Give every person one index for the whole clip.

    Somebody who is missing for a while is expected to move on, so that people who cross keep their
    indices; a person who reappears much later is matched to the nearest lost track.

    Args:
        detected: `[f, people, 17, 3]`, people in any order in each frame, zeros where there are
            fewer.
        fps: frames a second.
        max_people: how many are kept: the largest and the longest and most surely seen.

    Returns:
        `[f, people, 17, 3]` float32, people in the order in which they appear, then from left to
        right; zeros where somebody is not seen.
    """
    tracks: list[_Track] = []
    for frame, people in enumerate(detected):
        found = [person for person in people if (person[:, 2] > 0).any()]
        recent = [t for t in tracks if frame - t.frames[-1] <= LOST * fps]
        lost = [t for t in tracks if frame - t.frames[-1] > LOST * fps]
        for candidates in (recent, lost):
            found = _match(candidates, found, frame, fps)
        tracks += [_Track(frame, person) for person in found]
    sure = [sum(map(weight, track.poses)) for track in tracks]
    best = np.argsort(sure, kind="stable")[::-1][:max_people]
    kept = [tracks[i] for i in best if sure[i] >= MIN_SHARE * max(sure)]
    kept.sort(key=lambda track: (track.frames[0], _middle(track.poses[0])[0]))
    followed = np.zeros((len(detected), len(kept), 17, 3), np.float32)
    for index, track in enumerate(kept):
        followed[track.frames, index] = track.poses
    return followed


def _match(
    tracks: list[_Track], found: list[np.ndarray], frame: int, fps: float
) -> list[np.ndarray]:
    """Give people to the tracks that they continue; returns those who continue none."""
    from scipy.optimize import linear_sum_assignment

    if not tracks or not found:
        return found
    cost = np.empty((len(tracks), len(found)))
    for row, track in zip(cost, tracks, strict=True):
        reach = JUMP + SPEED * (frame - track.frames[-1]) / fps
        expected = track.expected(frame, fps)
        row[:] = [_difference(expected, person) for person in found]
        row[row > reach] = 1e6
    taken = set()
    for i, j in zip(*linear_sum_assignment(cost), strict=True):
        if cost[i, j] < 1e6:
            tracks[i].add(frame, found[j])
            taken.add(j)
    return [person for j, person in enumerate(found) if j not in taken]


def _difference(expected: np.ndarray, person: np.ndarray) -> float:
    """Mean distance of the joints of both, in body sizes, and how much the size changes."""
    sizes = _body_size(expected), _body_size(person)
    both = (expected[:, 2] > 0) & (person[:, 2] > 0)
    if both.any():
        away = np.linalg.norm(expected[both, :2] - person[both, :2], axis=1).mean()
    else:
        away = np.linalg.norm(_middle(expected) - _middle(person))
    return float(away / max(sizes) + SIZE_WEIGHT * abs(np.log(sizes[0] / sizes[1])))


def _middle(person: np.ndarray) -> np.ndarray:
    return person[person[:, 2] > 0, :2].mean(axis=0)


def _body_size(person: np.ndarray) -> float:
    """Longer side of the box around a person's joints `[17, 3]`, at least a pixel."""
    return max(1.0, float(np.ptp(person[person[:, 2] > 0, :2], axis=0).max()))


# ---------------------------------------------------------------------------- joints over time


def body_sizes(keypoints: np.ndarray) -> np.ndarray:
    """Typical size of each person in pixels, `[people]`: of the box around its sure joints, the
    longer side, its median over the clip; 0 for somebody who is never seen."""
    sizes = np.zeros(keypoints.shape[1])
    for index in range(len(sizes)):
        person = keypoints[:, index]
        seen = person[..., 2] >= MIN_CONFIDENCE
        boxes = [
            np.ptp(p[s, :2], axis=0).max() for p, s in zip(person, seen, strict=True) if s.any()
        ]
        sizes[index] = np.median(boxes) if boxes else 0.0
    return sizes


def fill_gaps(keypoints: np.ndarray, fps: float) -> np.ndarray:
    """Fill in joints that are missing for at most 0.4 s, along a smooth curve between the known.

    A joint that jumps away for one frame and back, faster than any hand, counts as missing. Nothing
    is filled in before somebody comes or after somebody goes. Confidence is the lower one of both
    ends of the gap.

    Args:
        keypoints: `[f, people, 17, 3]`, the same person at the same index.
        fps: frames a second.
    """
    from scipy.interpolate import PchipInterpolator

    filled = np.array(keypoints, np.float32)
    spikes = _spikes(filled, fps)
    for person, joint in np.ndindex(filled.shape[1:3]):
        track = filled[:, person, joint]
        track[spikes[:, person, joint]] = 0
        known = np.flatnonzero(track[:, 2] >= MIN_CONFIDENCE)
        gaps = np.diff(known) - 1
        short = np.flatnonzero((gaps > 0) & (gaps <= MAX_GAP * fps))
        if not len(short):
            continue
        curve = PchipInterpolator(known, track[known, :2])
        for before, after in zip(known[short], known[short + 1], strict=True):
            track[before + 1 : after, :2] = curve(np.arange(before + 1, after))
            track[before + 1 : after, 2] = min(track[before, 2], track[after, 2])
    return filled


def _spikes(keypoints: np.ndarray, fps: float) -> np.ndarray:
    """Where a joint is out of line with the frame before and after, `[f, people, 17]` bool."""
    spikes = np.zeros(keypoints.shape[:3], bool)
    if len(keypoints) >= 3:
        out, thrice = _out_of_line(keypoints)
        across = np.linalg.norm(keypoints[2:, ..., :2] - keypoints[:-2, ..., :2], axis=-1)
        far = out > SPIKE_SPEED / fps * body_sizes(keypoints)[:, None]
        spikes[1:-1] = thrice & far & (across < out / 2)
    return spikes


def _out_of_line(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels from the midpoint between a joint's places before and after, and where all three are
    known, both `[f - 2, people, 17]`."""
    seen = keypoints[..., 2] >= MIN_CONFIDENCE
    place = keypoints[..., :2].astype(np.float64)
    out = np.linalg.norm(place[1:-1] - (place[:-2] + place[2:]) / 2, axis=-1)
    return out, seen[:-2] & seen[1:-1] & seen[2:]


def smooth(keypoints: np.ndarray, fps: float) -> np.ndarray:
    """Take the jitter out of the joints' paths, without lag, wherever a joint is seen without a
    break. No joint is moved by more than 2 % of its body, so that fast motions stay what they are;
    at 10 frames a second and below there is nothing above the filter's 5 Hz to take out.

    Args:
        keypoints: `[f, people, 17, 3]`, the same person at the same index.
        fps: frames a second.
    """
    from scipy.signal import butter, sosfiltfilt

    smoothed = np.array(keypoints, np.float32)
    if fps <= 2 * CUTOFF:
        return smoothed
    sections = butter(2, CUTOFF, fs=fps, output="sos")
    most = MAX_SHIFT * body_sizes(keypoints)
    for person, joint in np.ndindex(smoothed.shape[1:3]):
        track = smoothed[:, person, joint]
        for start, stop in _stretches(track[:, 2] >= MIN_CONFIDENCE):
            if stop - start >= 4:
                edge = min(round(fps / 2), stop - start - 1)  # mirrored at both ends
                path = track[start:stop, :2].astype(np.float64)
                shift = sosfiltfilt(sections, path, axis=0, padlen=edge) - path
                far = np.maximum(np.linalg.norm(shift, axis=1, keepdims=True), 1e-9)
                track[start:stop, :2] += shift * np.minimum(1, most[person] / far)
    return smoothed


def _stretches(seen: np.ndarray) -> Iterator[tuple[int, int]]:
    """(start, stop) of the runs of True in `seen` `[f]`."""
    edges = np.flatnonzero(np.diff(seen.astype(np.int8), prepend=0, append=0))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def jitter(keypoints: np.ndarray) -> float:
    """How much the joints tremble, in percent of the body's size; 0 where nothing can be measured.

    The mean distance of a joint from the midpoint between its own places one frame before and one
    frame after. A calm motion has about 0.15 at 24 frames a second, noise of 1 % has 1.5.

    Args:
        keypoints: `[f, people, 17, 3]`, the same person at the same index.
    """
    if len(keypoints) < 3 or not keypoints.shape[1]:
        return 0.0
    out, thrice = _out_of_line(keypoints)
    share = out / np.maximum(body_sizes(keypoints), 1)[:, None]
    return float(100 * share[thrice].mean()) if thrice.any() else 0.0
