"""What can go wrong between us and a Plex Media Server."""


class PlexError(Exception):
    """Anything that kept the server from doing what it was asked."""

    # After so many seconds the server wants to be asked again, where it says so.
    retry_after: int | None = None


class PlexConnectionError(PlexError):
    """The server could not be reached, or hung up."""


class PlexAddressError(PlexConnectionError):
    """The address is none that can be connected to."""


class PlexRefusedError(PlexConnectionError):
    """Nothing listens at the server's address."""


class PlexResolveError(PlexConnectionError):
    """The server's name leads nowhere."""


class PlexHungUpError(PlexConnectionError):
    """The server hung up without an answer, as to plain HTTP if it wants HTTPS."""


class PlexTimeoutError(PlexConnectionError):
    """The server did not answer in time."""


class PlexTlsError(PlexConnectionError):
    """No secure connection could be agreed on."""


class PlexCertificateError(PlexTlsError):
    """The server's certificate is not to be trusted: self-signed, say, or expired."""


class PlexCertificateNameError(PlexCertificateError):
    """The server's certificate is for another name than the one that was asked for."""


class PlexWrongServerError(PlexError):
    """Another server answers at the address."""

    def __init__(self, *, found: str) -> None:
        """Keep the machine identifier of the server that answers."""
        super().__init__("Another server answers at this address")
        self.found = found


class PlexAuthenticationError(PlexError):
    """The server does not accept the token (401)."""


class PlexForbiddenError(PlexError):
    """Access is refused (403) where every user is let in, as a firewall does."""


class PlexNotOwnerError(PlexForbiddenError):
    """Access is refused (403) to what is for the server's owner alone."""


class PlexMaintenanceError(PlexError):
    """The server is starting or migrating its database (503)."""


class PlexResponseError(PlexError):
    """The server's answer is not one that a Plex Media Server gives."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Keep the HTTP status where the status is what is wrong."""
        super().__init__(message)
        self.status = status


class PlexRedirectError(PlexResponseError):
    """The server is somewhere else; `location` is where it says, not yet believed."""

    def __init__(self, message: str, *, status: int, location: str) -> None:
        """Keep where the server sends its clients."""
        super().__init__(message, status=status)
        self.location = location


class PlexPreferenceError(PlexResponseError):
    """The server has no such setting, or does not take that value for it."""
