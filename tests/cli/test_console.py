"""What every console script does alike."""

import subprocess
import sys

import pytest

from tests.cli.test_entry import WORK

LACKING = "import sys\nsys.modules.update(dict.fromkeys({lacking}))\nfrom stream.cli import entry\nentry.{program}()"


@pytest.mark.parametrize(
    ("program", "script", "lacking"), [("evaluate", "stream-eval", "PIL"), ("train", "stream-train", "torch")]
)
def test_what_a_serving_install_lacks_is_said_with_the_way_to_get_it(program: str, script: str, lacking: str) -> None:
    code = LACKING.format(lacking=[lacking], program=program)
    done = subprocess.run(
        [sys.executable, "-c", code, *WORK[script]], capture_output=True, text=True, check=False, timeout=60
    )
    wanted = f"error: {script} needs the package {lacking!r}: pip install 'movinet-stream[train]'\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", wanted)
