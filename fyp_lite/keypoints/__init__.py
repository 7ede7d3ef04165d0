"""Raw video: find people and their COCO-17 joints, follow them, edit them, keep them as a file."""
