"""Certificates for the simulated servers, made in the test, and who trusts them.

`tests/conftest.py` has the fixtures `certificates` and `names`:

    async with SimulatedPlex(tls=certificates.plex_direct()) as plex:
        url = plex.url_at(plex_direct_name("127.0.0.1"))

Trust: `async_get_clientsession(hass, verify_ssl=True)` has one context for the whole
process. The authority is added to it and stays, but its key ends with the test.

Names: the test plugin gives Home Assistant aiohttp's resolver, which asks real name
servers past pytest-socket; `Names` stands in for it. `names.point("plex.tv", tv.port)`
leads even the default port here.
"""

import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from homeassistant.util.ssl import get_default_context
import trustme

from tests.simulator import CERT_HASH


class Certificates:
    """An authority and what it issues: contexts for `SimulatedPlex(tls=...)`."""

    def __init__(self) -> None:
        """Make an authority that nobody trusts yet."""
        self.authority = trustme.CA()

    def let_home_assistant_trust(self) -> None:
        """Let sessions of Home Assistant that verify accept what is issued here."""
        self.authority.configure_trust(get_default_context())

    def right(self) -> ssl.SSLContext:
        """Return a certificate for this machine, by name and by address."""
        return self.named("localhost", "127.0.0.1")

    def plex_direct(self, cert_hash: str = CERT_HASH) -> ssl.SSLContext:
        """Return one as Plex gives its servers; with another hash, a renamed one."""
        return self.named(f"*.{cert_hash}.plex.direct")

    def named(self, *names: str) -> ssl.SSLContext:
        """Return one for names or addresses, another than the server's perhaps."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(*names).configure_cert(context)
        return context

    def nameless(self) -> ssl.SSLContext:
        """Return one whose only name is where nobody looks for names any more."""
        return self._with(None)

    def with_texts(self, *texts: str) -> ssl.SSLContext:
        """Return one with any texts as names."""
        return self._with(x509.SubjectAlternativeName(map(x509.DNSName, texts)))

    def unreadable(self) -> ssl.SSLContext:
        """Return one with a name of a kind that OpenSSL knows and `cryptography` not."""
        name = bytes.fromhex("30 0b a5 09 a1 07 0c 05") + b"party"
        oid = x509.SubjectAlternativeName.oid
        return self._with(x509.UnrecognizedExtension(oid, name))

    def _with(self, names: x509.ExtensionType | None) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.load_pem_x509_certificate(self.authority.cert_pem.bytes())
        signer = load_pem_private_key(self.authority.private_key_pem.bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key_id = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        issued_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "attic")]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(authority.not_valid_before_utc)
            .not_valid_after(authority.not_valid_after_utc)
            .add_extension(issued_by(key_id.value), critical=False)
        )
        if names:
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(signer, hashes.SHA256())
        pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ) + certificate.public_bytes(Encoding.PEM)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with trustme.Blob(pem).tempfile() as path:
            context.load_cert_chain(path)
        return context

    @staticmethod
    def self_signed() -> ssl.SSLContext:
        """Return one that its own key has signed, as servers make for themselves."""
        own = trustme.CA()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with own.cert_pem.tempfile() as cert, own.private_key_pem.tempfile() as key:
            context.load_cert_chain(cert, key)
        return context
