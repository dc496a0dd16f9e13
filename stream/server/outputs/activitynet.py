"""ActivityNet JSON: detected ranges, `folder/SOURCE.json`, there when the source has ended."""

from stream.server.outputs import _ranges
from stream.server.outputs.base import OutputSettings

FIELDS, SECRETS, NEEDS_END = _ranges.FIELDS, (), True


def build(settings: OutputSettings) -> _ranges.Ranges:
    """Prepare to write into `folder`; `view` is "events" or "labels".

    Raises:
        UsageError: no such folder or view.
    """
    return _ranges.Ranges("activitynet", ".json", settings, is_named=True)
