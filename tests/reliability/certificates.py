"""A small authority, made by openssl: certificates that are good, expired, or another's."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Authority:
    """Signs certificates; skips the test where openssl is not installed."""

    def __init__(self, folder: Path, name: str) -> None:
        if not shutil.which("openssl"):
            pytest.skip("no openssl (Debian: openssl) to make certificates with")
        folder.mkdir(exist_ok=True)
        self._folder, self._name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self._make(
            "req", "-x509", "-new", *_key(self.key), "-subj", f"/CN={name}", "-days", "2", "-out", self.certificate
        )

    def sign(self, name: str, alternative: str, days: int = 2) -> tuple[Path, Path]:
        """Return a certificate and its key; with days of 0 it is over before it is used."""
        certificate, key, asked = (self._folder / f"{self._name}-{name}.{end}" for end in ("pem", "key", "csr"))
        extension = self._folder / f"{name}.ext"
        extension.write_text(f"subjectAltName={alternative}\n")
        self._make("req", "-new", *_key(key), "-subj", f"/CN={name}", "-out", asked)
        signing = ("-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-extfile", extension)
        self._make("x509", "-req", "-in", asked, *signing, "-days", str(days), "-out", certificate)
        return certificate, key

    def _make(self, *arguments: str | Path) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def _key(path: Path) -> tuple[str | Path, ...]:
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path)
