"""What finds people in pictures: a module for each detector; `base` has what all share."""
