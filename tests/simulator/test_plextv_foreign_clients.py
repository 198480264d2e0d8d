"""Clients that others wrote find at plex.tv what they look for."""

from __future__ import annotations

import asyncio
from unittest.mock import patch
from xml.etree import ElementTree as ET

from plex_api_client import PlexAPI
from plexapi.myplex import MyPlexPinLogin, MyPlexResource

from tests.simulator import SimulatedPlex, SimulatedPlexTv

from .tv_client import RESOURCES, TvClient


async def test_plexapi_signs_in(tv: SimulatedPlexTv) -> None:
    with patch.object(MyPlexPinLogin, "PINS", f"{tv.url}/api/v2/pins"):
        login = MyPlexPinLogin(oauth=True)  # type: ignore[no-untyped-call]
        address = await asyncio.to_thread(login.oauthUrl)
        assert tv.pins[-1].code in address
        assert not await asyncio.to_thread(login.checkLogin)
        tv.link()
        assert await asyncio.to_thread(login.checkLogin)
    assert login.token == tv.token


async def test_plexapi_reads_resources(
    tv: SimulatedPlexTv, tv_client: TvClient, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    _, text = await tv_client.ask(
        "GET", RESOURCES, Accept="text/xml", X_Plex_Token=tv.token
    )
    root = ET.fromstring(text)  # noqa: S314 - our own server wrote it
    resource = MyPlexResource(None, root[0])  # type: ignore[no-untyped-call]
    assert resource.owned is True
    assert [way.local for way in resource.connections].count(True) == 2
    assert resource.connections[-1].uri.startswith("https://127-0-0-1.")


async def test_plex_api_client_reads_resources(
    tv: SimulatedPlexTv, plex: SimulatedPlex
) -> None:
    tv.add_server(plex)
    async with PlexAPI(token=tv.token, client_identifier="client-1") as api:
        answer = await api.plex.get_server_resources_async(
            request={"include_https": 1, "include_i_pv6": 1},
            server_url=f"{tv.url}/api/v2",
        )
    assert answer.plex_devices is not None
    (device,) = answer.plex_devices
    assert device.access_token == plex.token
    assert len(device.connections) == 5
