from hypothesis import given, settings
from hypothesis import strategies as st

from affectmap.annotator.raters import APART, order_of


@settings(deadline=None)
@given(st.integers(0, 120), st.floats(0, 0.5), st.integers(0, 1000))
def test_everybody_meets_everything(n_items, repeat, seed):
    order = order_of(range(n_items), repeat, seed, "Ada")
    firsts = [item for item, presentation in order if presentation == 1]
    again = [item for item, presentation in order if presentation == 2]
    assert sorted(firsts) == list(range(n_items))
    assert len(again) == len(set(again)) == min(round(repeat * n_items), max(n_items - APART, 0))
    place = {entry: index for index, entry in enumerate(order)}
    assert all(place[item, 2] - place[item, 1] > APART for item in again)


def test_the_key_decides():
    one = order_of(range(50), 0.1, 0, "Ada")
    assert one == order_of(range(50), 0.1, 0, "Ada")
    assert one != order_of(range(50), 0.1, 1, "Ada")
    assert one != order_of(range(50), 0.1, 0, "Bob")


def test_the_order_is_that_of_another_machine():
    assert order_of(range(8), 0.1, 0, "Ada") == [(item, 1) for item in (5, 4, 2, 7, 1, 0, 6, 3)]


def test_repeats_reach_the_end_of_the_list():
    """A repeat is not always the last, and may be."""
    for n_items in [11, 12, 20]:
        ends = {order_of(range(n_items), 0.1, seed, "Ada")[-1][1] for seed in range(40)}
        assert ends == ({2} if n_items == 11 else {1, 2}), n_items
