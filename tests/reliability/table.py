"""A table of cases, their figures and their times, after all of them: a plugin for `make attack`."""

from collections import defaultdict
from pathlib import Path

import pytest

_figures: defaultdict[str, list[str]] = defaultdict(list)
_ends: dict[str, tuple[str, float]] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        _ends[report.nodeid] = report.outcome, report.duration
    if report.when == "teardown":
        _figures[report.nodeid] += [str(words) for name, words in report.user_properties if name == "figure"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line a case: what it is, how it ended, how long it took, and its figure under it."""
    terminalreporter.section("attacks")
    for node, (outcome, seconds) in _ends.items():
        file, _, name = node.partition("::")
        words = name.removeprefix("test_").replace("_", " ")
        terminalreporter.line(f"{outcome:8}{seconds:6.1f} s  {Path(file).stem.removeprefix('test_')}: {words}"[:160])
        for figure in _figures[node]:
            terminalreporter.line(f"{'':19}{figure}")
    failed = sum(outcome != "passed" for outcome, _ in _ends.values())
    terminalreporter.line(f"{len(_ends) - failed} of {len(_ends)} held")
