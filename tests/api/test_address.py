"""What a person pastes is understood, or refused as a whole."""

from hypothesis import example, given, strategies as st
import pytest
from yarl import URL

from custom_components.plex_butler.api import (
    PasteError,
    find_token,
    full_address,
    parse_address,
    parse_token,
)

DIRECT = "192-168-1-10.0123456789abcdef.plex.direct"


@pytest.mark.parametrize(
    ("pasted", "url"),
    [
        ("192.168.1.10", "http://192.168.1.10:32400"),
        ("  plex-box  ", "http://plex-box:32400"),
        ("plex-box:8080", "http://plex-box:8080"),
        ("http://192.168.1.10", "http://192.168.1.10:32400"),
        ("http://plex.example.com:80", "http://plex.example.com:80"),
        ("https://plex.example.com:443/plex", "https://plex.example.com:443/plex"),
        ("HTTP://Plex-Box:80/", "http://plex-box:80"),
        ("http://bücher.example:80", "http://xn--bcher-kva.example:80"),
        ("http://[fe80::1%25eth0]:80", "http://[fe80::1%25eth0]:80"),
        ("http://plex-box:32400/web?next=http://else/", "http://plex-box:32400"),
        ("plex-box/web?next=http://else/", "http://plex-box:32400"),
        ('"http://plex-box:32400"', "http://plex-box:32400"),
        ("<http://plex-box:32400>", "http://plex-box:32400"),
        ("https://192.168.1.10", "https://192.168.1.10:32400"),
        ("https://plex.example.com", "https://plex.example.com"),
        ("https://example.com/plex/", "https://example.com/plex"),
        ("https://example.com/a/plex/web/index.html#!/", "https://example.com/a/plex"),
        ("fd00::10", "http://[fd00::10]:32400"),
        ("[fd00::10]:32401", "http://[fd00::10]:32401"),
        ("http://[fd00::10]/plex", "http://[fd00::10]:32400/plex"),
        (f"{DIRECT}:32400", f"https://{DIRECT}:32400"),
        (f"https://{DIRECT}", f"https://{DIRECT}:32400"),
        (DIRECT.upper(), f"https://{DIRECT}:32400"),
        (f"https://{DIRECT}.", f"https://{DIRECT}.:32400"),
        ("http://box/with%20space/web", "http://box:32400/with%20space"),
    ],
)
def test_an_address_is_understood_as_it_was_meant(pasted: str, url: str) -> None:
    assert parse_address(pasted) == url


@pytest.mark.parametrize(
    "pasted",
    [
        "https://box:32400/library/metadata/7?checkFiles=1&X-Plex-Token=secret",
        "https://box:32400/library/metadata/7?x-plex-token=secret&checkFiles=1",
        "https://box:32400/web/index.html#!/media?X-Plex-Token=secret",
        "'https://box:32400/?X-Plex-Token=%73ecret'",
    ],
)
def test_a_token_in_a_pasted_address_is_taken_out_of_it(pasted: str) -> None:
    assert parse_address(pasted) == "https://box:32400"
    assert find_token(pasted) == "secret"
    assert parse_token(pasted) == "secret"


@pytest.mark.parametrize(
    "pasted",
    [
        *("secret", "  secret\n", '"secret"', "'secret'", "“secret”"),
        *("\u200bsecret\u200b", "X-Plex-Token=secret", "&X-Plex-Token=secret"),
        *("X-Plex-Token: secret", '"X-Plex-Token": "secret"'),
        "?x-plex-token=secret&checkFiles=1",
    ],
)
def test_a_token_is_understood_as_it_was_copied(pasted: str) -> None:
    assert parse_token(pasted) == "secret"


@pytest.mark.parametrize(
    "pasted",
    ["", "  ", '""', "X-Plex-Token=", "http://box:32400/web", "box/web", "http://["],
)
def test_where_no_token_is_none_is_made_up(pasted: str) -> None:
    assert parse_token(pasted) == ""


@pytest.mark.parametrize("pasted", ["claim-abcDEF123", ' "CLAIM-abcDEF123" '])
def test_a_claim_code_is_told_from_a_token(pasted: str) -> None:
    with pytest.raises(PasteError, match="claim_code"):
        parse_token(pasted)


@pytest.mark.parametrize(
    "pasted",
    [
        *("https://app.plex.tv/desktop/#!/server/abc", "app.plex.tv/desktop"),
        *("app.plex.tv", "https://www.plex.tv/claim", "https://watch.plex.tv"),
        "Plex.TV",
    ],
)
def test_plexs_own_site_is_told_from_a_server(pasted: str) -> None:
    with pytest.raises(PasteError, match="plex_site"):
        parse_address(pasted)
    with pytest.raises(PasteError, match="plex_site"):
        parse_token(pasted)


@pytest.mark.parametrize(
    "pasted",
    [
        *("", "   ", "http://", "ftp://plex-box", "plex-box:port", "plex-box:99999"),
        *("http://plex-box:0", "http://[fd00::10", "https://user:password@plex-box"),
        *("http://plex box", "http://\ud800"),
        f"http://{'a' * 64}.example",
        f"http://{'a.' * 130}example",
    ],
)
def test_what_cannot_be_a_server_is_refused(pasted: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_address(pasted)


LABELS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    LABELS,
    st.lists(LABELS, min_size=2, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.ip_addresses(v=4).map(
        lambda address: f"{str(address).replace('.', '-')}.{'a1' * 16}.plex.direct"
    ),
    st.sampled_from(["BÜCHER.example", "[FD00::10]", "plex.", "[fe80::1%25eth0]"]),
)
PATHS = st.sampled_from(
    ["", "/", "/plex", "/plex/", "/a/b%20c", "/a/../b", "/plex/web", "/:/prefs", "/%zz"]
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    scheme = draw(st.sampled_from(["", "http://", "https://", "HTTP://", "Https://"]))
    port = draw(st.sampled_from(["", ":80", ":443", ":32400", ":1", ":65535"]))
    tail = draw(st.sampled_from(["", "?a=b", "#!/c", "?X-Plex-Token=secret"]))
    return f"{scheme}{draw(HOSTS)}{port}{draw(PATHS)}{tail}"


@given(addresses())
@example("http://x:80/library/metadata/1?X-Plex-Token=secret")
@example("https://192.168.1.10:443")
def test_reading_what_was_read_gives_the_same(pasted: str) -> None:
    address = parse_address(pasted)

    assert parse_address(address) == address
    if "://" in pasted:
        meant, read = URL(pasted), URL(address)
        assert (read.scheme, read.host) == (meant.scheme, meant.host)
        assert meant.explicit_port in {None, read.port}


@given(addresses())
@example("http://x")
@example("https://192.168.1.10/")
@example("http://[fd00::10]/plex")
def test_the_full_address_of_a_url_in_use_is_read_as_that_url(pasted: str) -> None:
    # As an entry may have it: that it says no port means 80 or 443.
    in_use = parse_address(pasted).replace(":32400", "")

    read = URL(parse_address(full_address(in_use)))

    assert (read.host, read.port) == (URL(in_use).host, URL(in_use).port)
    assert read.path == URL(in_use).path


@given(st.text() | st.text().map("http://{}".format))
@example("http://[::1")
@example("")
def test_any_url_in_use_can_be_shown(url: str) -> None:
    shown = full_address(url)

    assert full_address(shown) == shown
