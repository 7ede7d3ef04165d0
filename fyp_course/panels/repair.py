"""Repair a skeleton by hand: choose frame, person and joint; nudge, hide, mirror, retime, save."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from fyp_course.panels.base import WIDE, Panel, Picture, note
from fyp_course.panels.repair_stage import draw_stage
from fyp_course.stills import show_picture
from fyp_lite.keypoints import edit
from fyp_lite.keypoints.clip import KeypointClip
from fyp_lite.keypoints.tracking import follow_people
from fyp_lite.skeleton import JOINTS, draw_skeletons
from fyp_lite.skeleton_reader import read_skeletons

PLAYED, PLAY_SIZE = 96, 256  # frames of the clip at most, and pixels, in the moving preview
MAX_PEOPLE = 3
ROW = {"flex_flow": "row wrap"}
WAYS = {"left": (-1, 0), "up": (0, -1), "down": (0, 1), "right": (1, 0)}


def keypoints_of(frames: np.ndarray, fps: float, source: str = "") -> KeypointClip:
    """Read a skeleton video into keypoints; everyone keeps an index through the clip.

    Args:
        frames: `[f, h, w, 3]` uint8 RGB, limbs on black in the palette.
        fps: frames a second.
        source: the video's file name.
    """
    found = follow_people(read_skeletons(frames), fps, max_people=MAX_PEOPLE)
    height, width = frames.shape[1:3]
    return KeypointClip(found, fps, height, width, "skeleton", source)


class RepairPanel(Panel):
    """Choose frame, person and joint over a drawn frame, and change what is wrong.

    Args:
        clip: the keypoints to begin with; they stay as they are.
        folder: where results are saved at first.

    Attributes:
        clip: the keypoints as repaired so far.
    """

    def __init__(self, clip: KeypointClip, folder: str | Path = ".") -> None:
        if clip.num_people == 0:
            raise ValueError("There is nobody in these keypoints: choose another clip.")
        self.clip = clip
        self._before: list[KeypointClip] = []  # for Undo, the last one last
        self._make_choice()
        self._make_joint_tools()
        self._make_clip_tools()
        self._make_saving(Path(folder))
        self.picture, self.movie = Picture(None, "auto"), Picture(None, "auto")
        self.movie.layout.display = "none"
        self.caption, self.message = widgets.HTML(), widgets.HTML()
        self._refresh()
        views = widgets.HBox([self.picture, self.movie], layout=ROW)
        rows = [self.choice, views, self.caption, self.joint_tools, self.clip_tools]
        super().__init__([*rows, self.saving, self.message])

    # ------------------------------------------------------------------ controls

    def _make_choice(self) -> None:
        self.frame = widgets.IntSlider(0, 0, 0, description="Frame", style=WIDE)
        self.frame.layout.width = "560px"
        self.person = widgets.Dropdown(options=[("1", 0)], description="Person", style=WIDE)
        names = [(name.replace("_", " "), joint) for joint, name in enumerate(JOINTS)]
        self.joint = widgets.Dropdown(
            options=names, value=JOINTS.index("left_wrist"), description="Joint", style=WIDE
        )
        for control in (self.frame, self.person, self.joint):
            control.observe(self._draw, "value")
        who = widgets.HBox([self.person, self.joint], layout=ROW)
        self.choice = widgets.VBox([self.frame, who])

    def _make_joint_tools(self) -> None:
        self.step = widgets.BoundedFloatText(
            2.0, min=0.1, max=500, step=0.5, description="Step, pixels", style=WIDE
        )
        self.reach = widgets.BoundedIntText(
            0, min=0, max=500, description="Reach, frames", style=WIDE
        )
        self.x, self.y = (
            widgets.FloatText(0.0, step=0.5, description=name, style={"description_width": "20px"})
            for name in "xy"
        )
        for field in (self.step, self.reach, self.x, self.y):
            field.layout.width = "210px" if field in (self.step, self.reach) else "120px"
        self.nudges = {way: self._button(way, f"arrow-{way}", self._nudge(way)) for way in WAYS}
        self.place = self._button("Place at x, y", "crosshairs", self._place)
        self.hide = self._button("Hide joint", "eye-slash", self._hide)
        self.swap = self._button("Swap left and right", "exchange", self._swap)
        moves = [self.step, *self.nudges.values(), self.reach]
        places = [self.x, self.y, self.place, self.hide, self.swap]
        self.joint_tools = widgets.VBox(
            [widgets.HBox(moves, layout=ROW), widgets.HBox(places, layout=ROW)]
        )

    def _make_clip_tools(self) -> None:
        self.delete = self._button("Delete person", "trash", self._delete)
        self.mirror = self._button("Mirror", "arrows-h", self._mirror)
        self.speed = widgets.FloatText(
            1.0, step=0.1, description="Speed", style=WIDE, layout={"width": "200px"}
        )
        self.retime = self._button("Retime", "clock-o", self._retime)
        self.undo = self._button("Undo", "undo", self._undo)
        self.play = self._button("Play", "film", self._play)
        tools = [self.delete, self.mirror, self.speed, self.retime, self.undo, self.play]
        self.clip_tools = widgets.HBox(tools, layout=ROW)

    def _make_saving(self, folder: Path) -> None:
        self.folder = widgets.Text(str(folder), description="Folder", style=WIDE)
        self.name = widgets.Text("my_skeleton", description="Name", style=WIDE)
        self.save_json = self._button("Save keypoints (JSON)", "download", self._save_json)
        self.save_video = self._button("Save video (MP4)", "download", self._save_video)
        fields = [self.folder, self.name, self.save_json, self.save_video]
        self.saving = widgets.HBox(fields, layout=ROW)

    def _button(self, label: str, icon: str, act: Callable[[], str]) -> widgets.Button:
        """A button whose action says what it did; a value that does not fit is explained."""

        def press(_button: widgets.Button) -> None:
            try:
                self.message.value = f'<span role="status">{html.escape(act())}</span>'
            except (ValueError, OSError) as error:
                self.message.value = note(str(error), "error")

        button = widgets.Button(
            description=label, icon=icon, layout={"width": "auto", "min_width": "70px"}
        )
        button.on_click(press)
        return button

    # ------------------------------------------------------------------ what the buttons do

    @property
    def _chosen(self) -> tuple[int, int, int]:
        return self.frame.value, self.person.value, self.joint.value

    def _change(self, keypoints: np.ndarray, said: str) -> str:
        changed = replace(self.clip, keypoints=keypoints)  # checked before anything is taken over
        self._before.append(self.clip)
        self.clip = changed
        self._refresh()
        return said

    def _nudge(self, way: str) -> Callable[[], str]:
        def act() -> str:
            dx, dy = (self.step.value * sign for sign in WAYS[way])
            frame, person, joint = self._chosen
            reach = self.reach.value
            moved = edit.nudge(self.clip.keypoints, frame, person, joint, dx, dy, reach=reach)
            return self._change(moved, f"{self._joint_name} moved {way} by {self.step.value:g}.")

        return act

    def _place(self) -> str:
        x, y = self.x.value, self.y.value
        placed = edit.place(self.clip.keypoints, *self._chosen, x, y)
        return self._change(placed, f"{self._joint_name} placed at x {x:g}, y {y:g}.")

    def _hide(self) -> str:
        hidden = edit.hide(self.clip.keypoints, *self._chosen, reach=self.reach.value)
        return self._change(hidden, f"{self._joint_name} hidden.")

    def _swap(self) -> str:
        frame, person, _ = self._chosen
        swapped = edit.swap_sides(self.clip.keypoints, frame, person, reach=self.reach.value)
        return self._change(swapped, f"Left and right of person {person + 1} swapped.")

    def _delete(self) -> str:
        if self.clip.num_people == 1:
            raise ValueError("This is the only person: without it the clip would be empty.")
        person = self.person.value
        kept = edit.delete_person(self.clip.keypoints, person)
        return self._change(kept, f"Person {person + 1} deleted.")

    def _mirror(self) -> str:
        return self._change(
            edit.mirror(self.clip.keypoints, self.clip.width), "The whole clip is mirrored."
        )

    def _retime(self) -> str:
        faster = edit.retime(self.clip.keypoints, self.speed.value)
        return self._change(faster, f"{self.speed.value:g} times as fast: {len(faster)} frames.")

    def _undo(self) -> str:
        self.clip = self._before.pop()
        self._refresh()
        return "Undone."

    def _play(self) -> str:
        clip = self.clip
        numbers = range(0, clip.num_frames, -(-clip.num_frames // PLAYED))
        scale = PLAY_SIZE / clip.height
        small = clip.keypoints[numbers] * np.array([scale, scale, 1], np.float32)
        frames = draw_skeletons(small, PLAY_SIZE, max(1, round(clip.width * scale)))
        self.movie.layout.display = ""
        self.movie.play(frames, clip.fps / numbers.step, "The repaired clip")
        seconds = clip.num_frames / clip.fps
        return f"The clip as it is now: {clip.num_frames} frames, {seconds:.1f} s."

    def _path(self, suffix: str) -> Path:
        return Path(self.folder.value).expanduser() / f"{self.name.value}{suffix}"

    def _save_json(self) -> str:
        self.clip.save(self._path(".json"))
        return f"Saved {self._path('.json')}."

    def _save_video(self) -> str:
        self.clip.save_video(self._path(".mp4"))
        return f"Saved {self._path('.mp4')}."

    # ------------------------------------------------------------------ what is shown

    @property
    def _joint_name(self) -> str:
        frame, person, joint = self._chosen
        return f"Frame {frame}: {JOINTS[joint].replace('_', ' ')} of person {person + 1}"

    def _refresh(self) -> None:
        """Fit the controls to the clip and draw it."""
        people = [(str(index + 1), index) for index in range(self.clip.num_people)]
        if list(self.person.options) != people:
            keep = min(self.person.value, len(people) - 1)
            self.person.options, self.person.value = people, keep
        self.frame.value = min(self.frame.value, self.clip.num_frames - 1)
        self.frame.max = self.clip.num_frames - 1
        self.undo.disabled = not self._before
        self._draw()

    def _draw(self, _change: object = None) -> None:
        frame, person, joint = self._chosen
        if person is None or person >= self.clip.num_people or frame >= self.clip.num_frames:
            return  # in the middle of `_refresh`
        x, y, sure = self.clip.keypoints[frame, person, joint].tolist()
        for button in (*self.nudges.values(), self.hide):
            button.disabled = sure <= 0
        if sure > 0:
            self.x.value, self.y.value = round(x, 1), round(y, 1)
        where = f"x {x:.1f}, y {y:.1f}, sure {sure:.2f}" if sure > 0 else "missing; Place brings it"
        text = f"{self._joint_name}: {where} ({self.clip.width} × {self.clip.height} pixels)"
        self.caption.value = text
        self.picture.draw(draw_stage(self.clip, frame, person, joint), text)

    def show_still(self) -> None:
        """Show four frames from the chosen one on."""
        frame, person, joint = self._chosen
        numbers = np.linspace(frame, self.clip.num_frames - 1, 4).astype(int).tolist()
        stages = [draw_stage(self.clip, number, person, joint) for number in numbers]
        show_picture(np.concatenate(stages, axis=1), f"The repair panel. {self.caption.value}")
