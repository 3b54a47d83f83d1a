"""Many cases in one test: a loop costs nothing, while a test of its own for each costs collection, set-up and report."""

import inspect


def each(names, values):
    """Run a test once for every value, as `pytest.mark.parametrize` would, but as one test; a failure names its case.

    Args:
        names: Of an argument; or of several, for values that are tuples.
        values: The cases.
    """
    names = [names] if isinstance(names, str) else list(names)
    values = list(values)
    assert values, "a loop over nothing tests nothing"

    def over(test):
        def looped(**fixtures):
            for value in values:
                case = dict(zip(names, [value] if len(names) == 1 else value, strict=True))
                try:
                    test(**case, **fixtures)
                except BaseException as error:
                    error.add_note(f"case: {case}")
                    raise

        looped.__dict__.update(test.__dict__)  # marks
        looped.__name__, looped.__doc__, looped.__module__ = test.__name__, test.__doc__, test.__module__
        wanted = inspect.signature(test).parameters.values()
        kept = [each.replace(kind=each.KEYWORD_ONLY) for each in wanted if each.name not in names]
        looped.__signature__ = inspect.Signature(kept)
        return looped

    return over
