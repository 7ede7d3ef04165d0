# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %%
from IPython.display import display

from fyp_course.panels.clip_picker import ClipPicker

opened = []
picker = ClipPicker(opened.append)
display(picker)
