import pytest

from affectmap.errors import UsageError
from affectmap.extras import require


def test_all_that_is_missing_is_named_and_nothing_else():
    with pytest.raises(UsageError, match=r'^drawing needs no_such, nor_such; run pip install "affectmap\[plot\]"$'):
        require("drawing", "plot", "no_such", "json", "nor_such")


def test_what_is_there_is_fine():
    require("drawing", "plot", "json", "csv")
