"""One component for everything that moves: several videos in step, and in the reader's hands.

`Stage` plays 1 to 6 videos, `RulerStage` chooses frames of a clip by hand and `LensStage` its crop.
Each is one anywidget. Its front end is plain JavaScript without a build step: the parts in `js/`
that it needs, joined to one ES module (see `front_end`).
"""

from fyp_course.stage.display import Live, show_live
from fyp_course.stage.lens import LensStage
from fyp_course.stage.ruler import RulerStage
from fyp_course.stage.stage import Stage, caption_of

__all__ = ["LensStage", "Live", "RulerStage", "Stage", "caption_of", "show_live"]
