"""One small stream card for each architecture: a line a part."""

from stream.cards import Card

EXAMPLES = {
    "movinet": Card(
        name="example", architecture="movinet", variant="t0", side_px=32, fps=5.0, labels=("one", "two", "three")
    ),
}
