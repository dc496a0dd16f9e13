"""Screen time: how long each label was on in a video, as numbers, pictures and a page."""
