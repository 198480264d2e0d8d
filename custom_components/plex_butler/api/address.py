"""Where a server is, out of whatever a person pasted."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from yarl import URL

DEFAULT_PORT: Final = 32400

# The first part of a server's own paths: what stands before is a proxy's prefix.
_SERVER_PATHS: Final = frozenset(
    {
        ":",
        "activities",
        "butler",
        "hubs",
        "identity",
        "library",
        "media",
        "photo",
        "playlists",
        "status",
        "system",
        "web",
    }
)

# What stands in the browser's address bar when Plex Web is not the server's own.
_NOT_SERVERS: Final = frozenset({"app.plex.tv", "plex.tv", "www.plex.tv"})


@dataclass(frozen=True, slots=True)
class Address:
    """A server's base URL, and the token where one was pasted along with it."""

    url: str
    token: str | None


def parse_address(text: str) -> Address:
    """Return the address that a person means.

    Understands a bare host, host and port, a path prefix, and what is copied out of a
    browser: Plex Web's address or that of "View XML" with its `X-Plex-Token`.
    Raises ValueError for what cannot be a server's address.
    """
    url = URL(_with_scheme(text.strip()))
    if url.scheme not in {"http", "https"} or not url.host or url.user:
        raise ValueError("Not the address of a web server")
    if url.host in _NOT_SERVERS:
        raise ValueError("Plex's own site, not a server")
    token = next(
        (value for key, value in url.query.items() if key.lower() == "x-plex-token"),
        None,
    )
    base = URL.build(scheme=url.scheme, host=url.host, port=_port(url))
    return Address(url=f"{base.origin()}{_prefix(url)}", token=token or None)


def _with_scheme(text: str) -> str:
    if "://" in text:
        return text
    if _is_ip(text) and ":" in text:
        text = f"[{text}]"
    # Names under plex.direct exist for the sake of their certificate.
    return f"https://{text}" if ".plex.direct" in text else f"http://{text}"


def _port(url: URL) -> int | None:
    """Assume Plex's own port, except behind what looks like an HTTPS proxy."""
    if url.explicit_port:
        return url.explicit_port
    host = url.host or ""
    proxied = not (_is_ip(host) or host.endswith(".plex.direct"))
    return None if url.scheme == "https" and proxied else DEFAULT_PORT


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _prefix(url: URL) -> str:
    prefix = ""
    for part in url.raw_path.strip("/").split("/"):
        if not part or part in _SERVER_PATHS:
            break
        prefix += f"/{part}"
    return prefix
