"""Batches over a service in memory: each text has its own whole file, and none is spoken twice."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.support import TEXTS, batch, check_files, items, on_fast_clock, results_of, spoken
from tests.pool.support import LONG, service
from trio_cartesia import (
    AuthenticationFailed,
    ConnectFailed,
    LocalProtocolError,
    QuotaExceeded,
    RemoteProtocolError,
    VoiceNotFound,
)
from trio_cartesia.batch import Item
from trio_cartesia.server import Fault

NO_VOICE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("raw", [False, True])
async def test_each_text_has_a_file_and_a_result(tmp_path, raw):
    async with service() as (client, network):
        results = await results_of(client, tmp_path, jobs=3, raw=raw)
    check_files(tmp_path, network.server, container=not raw)
    assert results.keys() == TEXTS.keys()
    for result in results.values():
        assert result.state == "done"
        assert not result.is_earlier
        size = len((tmp_path / f"{result.id}{'.pcm' if raw else '.wav'}").read_bytes())
        header = 0 if raw else 58
        assert size - header - 1 <= result.duration_seconds * 8000 <= size - header


async def test_no_more_are_spoken_at_once_than_asked_for(tmp_path):
    async with service(plan="pro") as (client, network):
        async with batch(client, tmp_path, jobs=3) as results:
            async for _ in results:
                assert results.statistics().speaking <= 3
        assert len({record.context_id for record in network.server.journal.contexts}) == 12
    check_files(tmp_path, network.server)


async def test_what_is_done_is_not_spoken_again(tmp_path):
    async with service() as (client, network):
        first = await results_of(client, tmp_path)
        second = await results_of(client, tmp_path)
        assert len(spoken(network.server)) == len(TEXTS)
    assert [result.is_earlier for result in second.values()] == [True] * len(TEXTS)
    assert list(second) == list(TEXTS)
    for item_id, result in second.items():
        assert (result.path, result.duration_seconds) == (
            first[item_id].path,
            first[item_id].duration_seconds,
        )


async def test_what_has_changed_is_spoken_again(tmp_path):
    changed = {**TEXTS, "text-03": "Other words.", "more": "One more."}
    async with service() as (client, network):
        await results_of(client, tmp_path)
        (tmp_path / "text-05.wav").unlink()
        (tmp_path / "text-06.wav").write_bytes(b"cut")
        results = await results_of(client, tmp_path, items(changed))
        again = sorted(spoken(network.server)[len(TEXTS) :])
        check_files(tmp_path, network.server, changed)
    assert again == sorted([TEXTS["text-05"], TEXTS["text-06"], "Other words.", "One more."])
    assert sum(result.is_earlier for result in results.values()) == len(TEXTS) - 3


async def test_a_setting_that_changed_is_a_change(tmp_path):
    async with service() as (client, network):
        await results_of(client, tmp_path)
        await results_of(client, tmp_path, items(language="de"))
        assert len(spoken(network.server)) == 2 * len(TEXTS)


async def test_refused_items_are_spoken_again_only_if_asked(tmp_path):
    bad = Item("bad", "Hello.", settings={"voice": NO_VOICE})
    given_items = [bad, *items()]
    async with service() as (client, network):
        first = await results_of(client, tmp_path, given_items)
        assert isinstance(first["bad"].error, VoiceNotFound)
        second = await results_of(client, tmp_path, given_items)
        third = await results_of(client, tmp_path, given_items, retry_failed=True)
        check_files(tmp_path, network.server)
        refusals = len(network.server.journal.contexts) - len(TEXTS)
    for results in (first, second, third):
        assert (results["bad"].state, results["bad"].path) == ("failed", None)
        assert "No voice with that id" in results["bad"].reason
        assert {each.state for each in results.values() if each.id != "bad"} == {"done"}
    assert [each["bad"].is_earlier for each in (first, second, third)] == [False, True, False]
    assert refusals <= 2


async def test_a_refused_text_leaves_no_file_of_its_earlier_text_under_its_name(tmp_path):
    """The audio of the earlier text is kept under another name, and nothing is spoken for it."""
    refused = Item("text-03", "Other words.", settings={"voice": NO_VOICE})
    async with service() as (client, _):
        before = (await results_of(client, tmp_path))["text-03"].path.read_bytes()
        for _ in range(2):
            (result,) = (await results_of(client, tmp_path, [refused])).values()
            assert (result.state, result.path) == ("failed", None)
            assert not (tmp_path / "text-03.wav").exists()
            assert (tmp_path / "text-03.wav.old").read_bytes() == before
        (result,) = (await results_of(client, tmp_path, items({"text-03": "Others."}))).values()
    assert result.path.read_bytes() != before


async def test_what_is_not_the_protocol_is_left_to_the_next_run(tmp_path):
    """A proxy may have caused it, so it is no failure of the item."""
    texts = {"one": "One."}
    async with service(faults=[Fault(name="bad_base64")]) as (client, _):
        (result,) = (await results_of(client, tmp_path, items(texts))).values()
        assert isinstance(result.error, RemoteProtocolError)
        assert result.state == "unfinished"
    async with service() as (client, network):
        (result,) = (await results_of(client, tmp_path, items(texts))).values()
        assert (result.state, result.is_earlier) == ("done", False)
        check_files(tmp_path, network.server, texts)


class AfterSteps(trio.abc.Instrument):
    """Calls something once, after so many steps of tasks."""

    def __init__(self, steps, call):
        self.left, self.call = steps, call

    def before_task_step(self, _):
        self.left -= 1
        if self.left == 0:
            self.call()


@contextmanager
def after_steps(steps, call):
    instrument = AfterSteps(steps, call)
    trio.lowlevel.add_instrument(instrument)
    try:
        yield
    finally:
        trio.lowlevel.remove_instrument(instrument)


@pytest.mark.slow
@given(lost_after=st.integers(1, 1500), attempts=st.integers(1, 3))
@on_fast_clock
async def test_a_text_that_is_cut_short_is_left_to_the_next_run(
    tmp_path_factory, lost_after, attempts
):
    """No half of it is kept, and with more attempts it is spoken again at once."""
    folder = tmp_path_factory.mktemp("batch")
    texts = {"long": LONG, **TEXTS}
    async with service() as (client, network):
        ended = {}
        with after_steps(lost_after, network.reset_all):
            async with batch(client, folder, items(texts), attempts=attempts) as results:
                async for result in results:
                    ended[result.id] = result
                statistics = results.statistics()
        assert statistics.done + statistics.unfinished == len(texts)
        assert statistics.waiting == statistics.speaking == 0
        assert statistics.unfinished <= (2 if attempts == 1 else 0)
        whole = {item_id: texts[item_id] for item_id in ended if ended[item_id].state == "done"}
        check_files(folder, network.server, whole)
        before = len(spoken(network.server))
        again = await results_of(client, folder, items(texts))
        assert {result.state for result in again.values()} == {"done"}
        check_files(folder, network.server, texts)
        assert len(spoken(network.server)) == before + statistics.unfinished


@pytest.mark.slow
@given(st.integers(1, 1500))
async def test_an_interruption_at_any_moment_loses_nothing_that_was_done(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("batch")
    async with service() as (client, network):
        seen = []
        with trio.CancelScope() as scope, after_steps(steps, scope.cancel):
            async with batch(client, folder) as results:
                async for result in results:
                    seen.append(result.id)  # noqa: PERF401  # those before the interruption count
        assert not list(folder.glob(".*.part"))
        written = {path.stem for path in folder.glob("*.wav")}
        assert written.issuperset(seen)
        check_files(folder, network.server, {item_id: TEXTS[item_id] for item_id in written})
        before = len(spoken(network.server))
        again = await results_of(client, folder)
        check_files(folder, network.server)
        assert {each for each, result in again.items() if result.is_earlier} == written
        assert len(spoken(network.server)) == before + len(TEXTS) - len(written)


async def test_used_up_credits_end_the_batch(tmp_path):
    async with service(faults=[Fault(name="quota_exceeded", at_frame=8)]) as (client, _):
        with pytest.raises(QuotaExceeded):
            await results_of(client, tmp_path)
        assert 0 < len(list(tmp_path.glob("*.wav"))) < len(TEXTS)
        with sqlite3.connect(tmp_path / "manifest.sqlite") as database:
            states = {state for (state,) in database.execute("SELECT state FROM items")}
        assert states == {"begun", "done"}  # a refusal for lack of credits is no item's fault


async def test_a_refused_key_ends_the_batch(tmp_path):
    async with service(api_keys=["another"]) as (client, _):
        with pytest.raises(AuthenticationFailed):
            await results_of(client, tmp_path)


@pytest.mark.slow
@on_fast_clock
async def test_an_outage_ends_the_batch(tmp_path):
    async with service() as (client, network):
        network.error = OSError("no network")
        with pytest.raises(ConnectFailed):
            await results_of(client, tmp_path)
        network.error = None
        results = await results_of(client, tmp_path)
        assert {result.state for result in results.values()} == {"done"}


async def test_two_batches_in_one_directory(tmp_path):
    async with service() as (client, network), batch(client, tmp_path) as results:
        with pytest.raises(LocalProtocolError, match="another batch is running"):
            await results_of(client, tmp_path)
        assert [result.state async for result in results] == ["done"] * len(TEXTS)
    check_files(tmp_path, network.server)


async def test_a_file_of_somebody_else_is_not_replaced(tmp_path):
    (tmp_path / "text-03.wav").write_text("mine")
    async with service() as (client, network):
        with pytest.raises(LocalProtocolError, match="text-03"):
            await results_of(client, tmp_path)
        assert not network.server.journal.contexts
    assert (tmp_path / "text-03.wav").read_text() == "mine"


async def test_a_database_that_is_no_manifest(tmp_path):
    (tmp_path / "manifest.sqlite").write_text("no database at all" * 100)
    async with service() as (client, network):
        with pytest.raises(LocalProtocolError, match="not a manifest"):
            await results_of(client, tmp_path)
        assert not network.server.journal.contexts


async def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    async with service() as (client, _):
        with pytest.raises(OSError, match="file"):
            await results_of(client, tmp_path / "file" / "directory")


@pytest.mark.parametrize("argument", [{"jobs": 0}, {"attempts": 0}, {"raw": 1}, {"speed": "warp"}])
def test_bad_arguments(tmp_path, argument):
    with pytest.raises(LocalProtocolError):
        batch(None, tmp_path, **argument)
    assert not list(tmp_path.iterdir())


async def test_the_manifest_holds_no_text(tmp_path):
    async with service() as (client, _):
        await results_of(client, tmp_path)
    content = (tmp_path / "manifest.sqlite").read_bytes()
    assert b"text-03" in content
    assert TEXTS["text-03"].encode() not in content


async def test_results_are_received_inside_the_block(tmp_path):
    async with service() as (client, _):
        async with batch(client, tmp_path) as results:
            await anext(results)
        with pytest.raises(LocalProtocolError, match="block has ended"):
            await anext(results)
