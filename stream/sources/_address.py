"""What of a network address may be shown, and what must not."""

import re
from urllib.parse import SplitResult, quote, unquote, urlsplit

_AS_IT_IS = "%:@!$&'()*+,;=~-._"
"""What of a login stands as it is; an @ is refused later."""
_SECRET = re.compile(r"(password|passwd|pwd|token)=([^&/]*)", re.IGNORECASE)


_LONE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@([^/?#@]*)(.*)$", re.DOTALL)


def split(uri: str) -> SplitResult:
    """Split an address whose login may hold what URLs write otherwise: `[`, `]`, `%`.

    Raises:
        ValueError: it is none; its words may show the login.
    """
    if found := _AUTHORITY.match(uri):
        scheme, login, host, rest = found.groups()
        uri = f"{scheme}{quote(_LONE.sub('%25', login), safe=_AS_IT_IS)}@{host}{rest}"
    parts = urlsplit(uri)
    if not parts.hostname or parts.port == 0 or "@" in parts.path:
        raise ValueError("no host, no port, or a login that is not to be told from the rest")
    return parts


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
