"""What a person pastes is understood, or refused as a whole."""

from hypothesis import given, strategies as st
import pytest

from custom_components.plex_butler.api import Address, parse_address


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("192.168.1.10", "http://192.168.1.10:32400"),
        ("  plex-box  ", "http://plex-box:32400"),
        ("plex-box:8080", "http://plex-box:8080"),
        ("192.168.1.10:32400/", "http://192.168.1.10:32400"),
        ("http://192.168.1.10", "http://192.168.1.10:32400"),
        ("http://plex.example.com:80", "http://plex.example.com"),
        ("https://192.168.1.10", "https://192.168.1.10:32400"),
        ("https://plex.example.com", "https://plex.example.com"),
        ("https://example.com/plex/", "https://example.com/plex"),
        ("https://example.com/a/plex/web/index.html#!/", "https://example.com/a/plex"),
        ("fd00::10", "http://[fd00::10]:32400"),
        ("[fd00::10]:32401", "http://[fd00::10]:32401"),
        ("http://[fd00::10]/plex", "http://[fd00::10]:32400/plex"),
        (
            "192-168-1-10.0123456789abcdef.plex.direct:32400",
            "https://192-168-1-10.0123456789abcdef.plex.direct:32400",
        ),
        (
            "https://192-168-1-10.0123456789abcdef.plex.direct",
            "https://192-168-1-10.0123456789abcdef.plex.direct:32400",
        ),
        (
            "http://plex-box:32400/web/index.html#!/media/abc/com.plexapp.plugins",
            "http://plex-box:32400",
        ),
        ("http://box/with%20space/web", "http://box:32400/with%20space"),
    ],
)
def test_an_address_is_understood_as_it_was_meant(pasted: str, url: str) -> None:
    assert parse_address(pasted) == Address(url=url, token=None)


def test_a_token_in_a_pasted_address_is_taken_out_of_it() -> None:
    pasted = "https://box:32400/library/metadata/7?checkFiles=1&X-Plex-Token=secret"

    assert parse_address(pasted) == Address(url="https://box:32400", token="secret")


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "   ",
        "http://",
        "ftp://plex-box",
        "plex-box:port",
        "plex-box:99999",
        "http://[fd00::10",
        "https://user:password@plex-box",
        "https://app.plex.tv/desktop/#!/server/abc",
    ],
)
def test_what_cannot_be_a_server_is_refused(pasted: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_address(pasted)


@given(st.text())
def test_any_text_is_understood_or_refused(pasted: str) -> None:
    try:
        address = parse_address(pasted)
    except ValueError:
        return
    assert parse_address(address.url) == Address(url=address.url, token=None)
