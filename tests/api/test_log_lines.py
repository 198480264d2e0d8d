"""Lines of the log are found in whatever a frame may be."""

import asyncio
import json
from time import process_time

from hypothesis import example, given, strategies as st
import pytest

from custom_components.plex_butler import api
from custom_components.plex_butler.api import log_lines
from custom_components.plex_butler.api.log_lines import parse_log_frame
from tests.simulator import PROFILES, SimulatedPlex

SUB, PARENT = (
    "5f0a1b2c-0000-4000-8000-00000000000a",
    "5f0a1b2c-0000-4000-8000-000000000001",
)
BEGIN = api.LoggedSubActivity(
    uuid=SUB, title="PolishBrass", parent=PARENT, progress="83.3% (5/6)"
)
END = api.LoggedSubActivity(uuid=SUB, parent=PARENT, progress="100.0% (6/6)")
STOP = api.LoggedRequest(method="DELETE", task="PolishBrass", status=200)
STOP_ALL = api.LoggedRequest(method="DELETE", task=None, status=200)
LINES = (BEGIN, END, STOP, STOP_ALL)
# As the server writes of a request, whatever the client's address looks like
ADDRESSES = ("127.0.0.1:52962", "[fd00::7]:52962", "")


def text_of(
    line: api.LogLine, *, quotes: bool = True, address: str = "10.0.0.9:1"
) -> str:
    text = str(line).replace("[...]", f"[{address}]").replace("(...)", "(2 live) #1b")
    return text if quotes else text.replace('"', "")


def nested(text: str, depth: int) -> bytes:
    """Return a text in so many layers of JSON."""
    for _ in range(depth):
        text = json.dumps({"level": "DEBUG", "message": text})
    return text.encode()


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("quotes", [True, False])
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=6),
    around=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
@example(lines=list(LINES), around="")
def test_lines_are_found_in_any_layer_of_json_whatever_is_around_them(
    *, lines: list[api.LogLine], around: str, depth: int, quotes: bool
) -> None:
    prefix = "Nov 22, 2026 02:00:00.001 [1399] DEBUG - [Req#1b] "
    text = "\n".join(
        f"{around}\n{prefix}{text_of(line, quotes=quotes)}\n{around}" for line in lines
    )

    assert parse_log_frame(nested(text, depth)) == tuple(lines)


@given(st.binary(max_size=300), st.sampled_from(LINES))
def test_any_bytes_are_read(found: bytes, line: api.LogLine) -> None:
    parse_log_frame(found)
    text = text_of(line).encode()

    assert line in parse_log_frame(found + b"\n" + text + b"\n" + found)
    # What is cut says nothing, or less
    parse_log_frame(found + text[: len(found)] + found)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("status", [-3, 200, 202, 404, 503])
def test_a_request_to_butler_is_known_by_its_path_and_status(
    address: str, status: int
) -> None:
    line = api.LoggedRequest(method="POST", task="Polish Brass", status=status)
    text = text_of(line, address=address).replace("Polish Brass", "Polish%20Brass")

    assert parse_log_frame(text.encode()) == (line,)
    assert parse_log_frame(text.replace("/", r"\/").encode()) == (line,)
    assert parse_log_frame(text.replace(" (2", "?X-Plex-Token=xxxx (2").encode())


@pytest.mark.parametrize(
    "line",
    [
        "Scanner: looking at /media/sub-activity/BackupDatabase.mkv",
        "Request: [10.0.0.9:1 (Subnet)] DELETE /butler/PolishBrass (2 live) #1b",
        "Completed: [10.0.0.9:1] 200 DELETE /library/metadata/7/butler (2 live)",
        "Completed: [10.0.0.9:1] 200 GET /butlers (2 live)",
        f"Activity: registered new sub-activity {SUB} - ",
        f'Activity: registered new sub-activity {SUB} - "Harbour\nLane" parent: {PARENT}',
        f"Activity: ended sub-activity {SUB}",
        f"Activity: updated activity {PARENT} - completed 100.0% - sub-activity",
    ],
)
def test_other_lines_say_nothing(line: str) -> None:
    assert not [it for depth in range(3) for it in parse_log_frame(nested(line, depth))]


@pytest.mark.parametrize(
    "bad",
    [
        f"Activity: registered new sub-activity {SUB} - " + "\\" * 31 + '"' + "x" * 255,
        f"Activity: registered new sub-activity {SUB} - " + " parent: -" * 40,
        "Activity: registered new sub-activity " + "a" * 64,
        "Completed: [" + "a]" * 40 + "/butler",
        "Completed: [] 200 DELETE " + "\\" * 31 + "/butler" + "\\" * 31,
        "Activity: ",
    ],
)
def test_the_longest_frames_cost_time_in_proportion(bad: str) -> None:
    frame = b"sub-activity /butler" + (bad * (1024 * 1024 // len(bad))).encode()
    began = process_time()
    parse_log_frame(frame)

    assert process_time() - began < 0.5


@pytest.mark.parametrize(
    "profile",
    [PROFILES["session"].with_traits(log_batches=it) for it in (True, False)],
    ids=["in frames of many lines", "in a frame for each line"],
)
async def test_a_flood_ends_the_stream(
    client: api.PlexClient, plex: SimulatedPlex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_lines, "FLOOD_FRAMES", 1_000)
    monkeypatch.setattr(log_lines, "FLOOD_BYTES", 200_000)
    async with client.log_stream() as stream, asyncio.timeout(5):
        lines = aiter(stream)
        plex.noise.log_flood(500)
        await plex.flush()
        assert await anext(lines)
        assert not stream.is_flooded

        plex.noise.log_flood(1_000)
        async for _ in lines:
            pass

        assert stream.is_flooded
