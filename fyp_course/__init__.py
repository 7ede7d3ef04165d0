"""What the notebooks show: panels, exercises, the classroom, the public page."""
