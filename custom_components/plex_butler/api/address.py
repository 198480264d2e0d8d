"""Reads what a person pastes: the address of a server, and a token."""

from dataclasses import dataclass, field
from ipaddress import ip_address
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


class PlexSiteError(ValueError):
    """The address is one of Plex's own site, not of a server."""


class ClaimCodeError(ValueError):
    """The text is a code to claim a new server with, not a token."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server's base URL, and the token where one was pasted along with it."""

    url: str
    token: str | None = field(repr=False)


def parse_address(text: str) -> Address:
    """Return the address that a person means, as a URL that is read as itself.

    Understands a bare host, host and port, a path prefix, and what is copied out of a
    browser: Plex Web's address or that of "View XML" with its `X-Plex-Token`.
    Raises ValueError for what cannot be a server's address: PlexSiteError for Plex's.
    """
    text = _EDGES.sub("", text)
    if _PLEX_SITE.match(text):
        raise PlexSiteError("Plex's own site, not a server")
    url = URL(_with_scheme(text))
    if url.scheme not in {"http", "https"} or url.user or url.explicit_port == 0:
        raise ValueError("Not the address of a web server")
    if not (_is_ip(url.host or "") or _NAME.fullmatch(url.raw_host or "")):
        raise ValueError("Not a name that a server can have")
    base = _base(url, _assumed_port(url) if url.explicit_port is None else url.port)
    parts = url.raw_path.strip("/").split("/")
    prefix = takewhile(lambda it: not _SERVER_PATH.fullmatch(it), parts)
    return Address(url="/".join([base, *prefix]), token=_token_in(text) or None)


def full_address(url: str) -> str:
    """Return a URL that is in use as `parse_address` has to see it to mean the same.

    Without a port it means 80 or 443, which is not what people mean.
    """
    try:
        used = URL(url)
    except ValueError:
        return url
    if used.host and used.explicit_port is None and _assumed_port(used):
        return f"{_base(used, used.port)}{used.raw_path.rstrip('/')}"
    return url


def parse_token(text: str) -> str:
    """Return the token that a person means; it is empty where there is none.

    Understands a bare token, one in quotes, `X-Plex-Token=...` and the address of
    "View XML". Raises ClaimCodeError or PlexSiteError for what is taken for a token.
    """
    text = _EDGES.sub("", text)
    if (token := _token_in(text)) is not None:
        return token
    if text.lower().startswith("claim-"):
        raise ClaimCodeError("A code to claim a server with, not a token")
    if _PLEX_SITE.match(text):
        raise PlexSiteError("Plex's own site, not a token")
    # An address without a token; no token has a slash.
    return "" if "/" in text else text


def _token_in(text: str) -> str | None:
    found = _TOKEN.search(text)
    return unquote(found[1]).strip() if found else None


def _with_scheme(text: str) -> str:
    if _SCHEME.match(text):
        return text
    if _is_ip(text) and ":" in text:
        text = f"[{text}]"
    # Names under plex.direct exist for the sake of their certificate.
    return f"https://{text}" if ".plex.direct" in text.lower() else f"http://{text}"


def _assumed_port(url: URL) -> int | None:
    """Assume Plex's own port, except behind what looks like an HTTPS proxy."""
    host = (url.host or "").rstrip(".")
    proxied = not (_is_ip(host) or host.endswith(".plex.direct"))
    return None if url.scheme == "https" and proxied else DEFAULT_PORT


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _base(url: URL, port: int | None) -> str:
    # yarl leaves out a port that is the scheme's, which would be read as Plex's own.
    host = f"[{url.raw_host}]" if ":" in (url.raw_host or "") else url.raw_host
    return f"{url.scheme}://{host}" + ("" if port is None else f":{port}")
