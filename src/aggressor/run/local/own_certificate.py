"""A certificate for a server on this machine, made for one run and trusted by nobody else.

A client must be told to trust its authority: by file (`ca` of `aggressor venue --json`), or for
whatever uses OpenSSL's defaults by SSL_CERT_FILE. Made with trustme, the extra `tls`.
"""

import ssl
from pathlib import Path

from aggressor.schema.errors import ConfigError

NAMES = ("127.0.0.1", "localhost", "::1")


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what a server needs, and the file of the authority to trust; raise ConfigError."""
    try:
        import trustme
    except ImportError:
        raise ConfigError(
            'Certificates are made by trustme: pip install "aggressor[tls]", or name your own '
            "with --certificate."
        ) from None
    authority = trustme.CA(organization_name="aggressor, this machine only")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*NAMES).configure_cert(context)
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return context, file


def their_certificate(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server needs of files that exist; raise ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as trouble:
        raise ConfigError(f"The certificate cannot be used: {trouble}.") from None
    return context
