"""What of a network address may be shown, and what must not."""

import re
from urllib.parse import SplitResult, unquote

_SECRET = re.compile(r"(password|passwd|pwd|token)=([^&/]*)", re.IGNORECASE)


def shown(parts: SplitResult) -> str:
    """Return an address without its login, its query and what looks like a password in its path."""
    path = _SECRET.sub(r"\1=***", parts.path)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], path=path, query="", fragment="").geturl()


def secrets(parts: SplitResult) -> tuple[str, ...]:
    """List what must not be shown, as it stands in the address and as it is meant."""
    login = parts.netloc.rpartition("@")[0]
    in_path = (value for _, value in _SECRET.findall(parts.path))  # "/user=x&password=y" is how some cameras do it
    found = (login, parts.password, unquote(parts.password or ""), parts.query, *in_path)
    return tuple(filter(None, found))
