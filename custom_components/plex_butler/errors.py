"""Where the client's errors become Home Assistant's: one text for each, one place."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypedDict

from homeassistant.exceptions import HomeAssistantError

from .api import (
    PlexAddressError,
    PlexAuthenticationError,
    PlexCertificateError,
    PlexCertificateNameError,
    PlexConnectionError,
    PlexError,
    PlexForbiddenError,
    PlexHungUpError,
    PlexMaintenanceError,
    PlexNotOwnerError,
    PlexRefusedError,
    PlexResolveError,
    PlexTimeoutError,
    PlexTlsError,
    PlexWrongServerError,
)
from .const import DOMAIN

# The first that fits counts, so the special ones stand before the general ones.
_KEYS: Final[tuple[tuple[type[PlexError], str], ...]] = (
    (PlexAddressError, "invalid_url"),
    (PlexTimeoutError, "timeout"),
    (PlexResolveError, "cannot_resolve"),
    (PlexRefusedError, "refused"),
    (PlexHungUpError, "hung_up"),
    (PlexCertificateNameError, "certificate_name"),
    (PlexCertificateError, "certificate_untrusted"),
    (PlexTlsError, "tls"),
    (PlexConnectionError, "cannot_connect"),
    (PlexAuthenticationError, "invalid_auth"),
    (PlexNotOwnerError, "not_owner"),
    (PlexForbiddenError, "forbidden"),
    (PlexMaintenanceError, "maintenance"),
    (PlexWrongServerError, "wrong_server"),
    (PlexError, "invalid_response"),
)


class Translation(TypedDict):
    """How Home Assistant finds the text of an error."""

    translation_domain: str
    translation_key: str
    translation_placeholders: dict[str, str]


def error_key(err: PlexError) -> str:
    """Return the key that an error has in dialogs and in exceptions."""
    return next(key for kind, key in _KEYS if isinstance(err, kind))


def translation(err: PlexError) -> Translation:
    """Return the translated text that says what went wrong."""
    return Translation(
        translation_domain=DOMAIN,
        translation_key=error_key(err),
        translation_placeholders={"error": str(err)},
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Let the client's errors leave an action in the user's language."""
    try:
        yield
    except PlexError as err:
        raise HomeAssistantError(**translation(err)) from err
