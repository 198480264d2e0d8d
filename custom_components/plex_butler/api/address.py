"""Reads what a person pastes: the address of a server, and a token."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import takewhile
import re
from typing import Final
from urllib.parse import unquote

from yarl import URL

DEFAULT_PORT: Final = 32400

# Parts of a server's own paths, and none: what stands before is a proxy's prefix.
_SERVER_PATH: Final = re.compile(
    "|:|activities|butler|hubs|identity|library|media|photo|playlists|status|system|web"
)
# What copying leaves around a text, the invisible included.
_AROUND: Final = "[\\s\\u200b\\ufeff\"'<>`“”‘’„«»]"
# Looked for from the begin of each row of these alone, so the time is linear.
_EDGES: Final = re.compile(f"^{_AROUND}+|(?<!{_AROUND}){_AROUND}+$")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# In an address, or as a header; anywhere, since Plex Web has its own behind a "#".
_TOKEN: Final = re.compile(
    r"x-plex-token[\"']?[=:][\s\"']*([^&#\s\"'>]*)", re.IGNORECASE
)
_PLEX_SITE: Final = re.compile(
    r"(https?://)?([a-z0-9-]+\.)*plex\.tv\.?([/:?#]|$)", re.IGNORECASE
)
# What DNS can ask for.
_NAME: Final = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")


class PasteError(ValueError):
    """The text is something else of Plex's; the argument is the key of what it is."""


def parse_address(text: str) -> str:
    """Return the URL that a person means; raise ValueError for what is no address."""
    text = _EDGES.sub("", text)
    if _PLEX_SITE.match(text):
        raise PasteError("plex_site")
    if not _SCHEME.match(text):
        host = f"[{text}]" if ":" in text and as_ip(text) else text
        # Names under plex.direct exist for the sake of their certificate.
        scheme = "https" if ".plex.direct" in text.lower() else "http"
        text = f"{scheme}://{host}"
    url = URL(text)
    if url.scheme not in {"http", "https"} or url.user or url.explicit_port == 0:
        raise ValueError("Not the address of a web server")
    if not (as_ip(url.host or "") or _NAME.fullmatch(url.raw_host or "")):
        raise ValueError("Not a name that a server can have")
    base = _base(url, _assumed_port(url) if url.explicit_port is None else url.port)
    parts = url.raw_path.strip("/").split("/")
    prefix = takewhile(lambda it: not _SERVER_PATH.fullmatch(it), parts)
    return "/".join([base, *prefix])


def full_address(url: str) -> str:
    """Return a URL with the port it means, as `parse_address` has to see it."""
    try:
        used = URL(url)
    except ValueError:
        return url
    if used.host and used.explicit_port is None and _assumed_port(used):
        return f"{_base(used, used.port)}{used.raw_path.rstrip('/')}"
    return url


def parse_token(text: str) -> str:
    """Return the token in a text, or ""; raise PasteError for what is taken for one."""
    text = _EDGES.sub("", text)
    if (token := find_token(text)) is not None:
        return token
    if text.lower().startswith("claim-"):
        raise PasteError("claim_code")
    if _PLEX_SITE.match(text):
        raise PasteError("plex_site")
    # An address without a token; no token has a slash.
    return "" if "/" in text else text


def find_token(text: str) -> str | None:
    """Return what follows `X-Plex-Token` in a text, or None if that is not there."""
    found = _TOKEN.search(text)
    return unquote(found[1]).strip() if found else None


def _assumed_port(url: URL) -> int | None:
    """Assume Plex's own port, except behind what looks like an HTTPS proxy."""
    host = (url.host or "").rstrip(".")
    proxied = not (as_ip(host) or host.endswith(".plex.direct"))
    return None if url.scheme == "https" and proxied else DEFAULT_PORT


def as_ip(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is, or None if it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _base(url: URL, port: int | None) -> str:
    # yarl leaves out a port that is the scheme's, which would be read as Plex's own.
    base = f"{url.scheme}://{url.host_subcomponent}"
    return base if port is None else f"{base}:{port}"
