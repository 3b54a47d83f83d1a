"""The load on the service: shapes of the part, and that it measures what it says."""

import io

import pytest
import soundfile

import service


def test_the_utterance_lasts_three_seconds():
    signal, rate = soundfile.read(io.BytesIO(service.utterance()))
    assert (len(signal) / rate, rate) == (3.0, 16000)
    assert service.utterance() == service.utterance()


@pytest.mark.slow
@pytest.mark.slow
def test_every_number_of_clients_has_its_rows():
    part = service.measure(quick=True, n_requests=8)
    assert len(part["rows"]) == 1 + 3 * len(service.CLIENTS)
    by_name = {row.name: row for row in part["rows"]}
    for name in ("1 client", "2 clients", "8 clients"):
        half, most = by_name[f"{name}: half answered within"], by_name[f"{name}: 95 % answered within"]
        assert 0 < half.value <= most.value
        assert by_name[f"{name}: requests"].n == 2
