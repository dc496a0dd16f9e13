"""What a process holds is read through /proc, where there is one."""

from pathlib import Path

import pytest

from stream.bench.footprint import Footprint, footprint

__all__ = ["Footprint", "footprint", "needs_proc"]

needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="a process is looked at through /proc")
