"""The colours of pictures: readable on white, apart for most colour-blind eyes in the order they are given."""

COLOURS = ("#2563a8", "#c2571a", "#2b8a5e", "#8a4fae", "#b8325a", "#5c7a1f", "#0f8294", "#a07812")
"""Of labels, in turn."""
GREY, DARK = "#8b929b", "#22272e"
"""Of what matters less, and of words."""


def of_labels(labels: tuple[str, ...], background: tuple[str, ...] = ()) -> dict[str, str]:
    """Give every label its colour: the same in every picture of a model; GREY to those of the background."""
    told = [label for label in labels if label not in background]
    colours = {label: COLOURS[index % len(COLOURS)] for index, label in enumerate(told)}
    return {label: colours.get(label, GREY) for label in labels}
