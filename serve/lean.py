"""Import Ray Serve without pandas: Serve only looks whether it is there, and that look costs over a second.

Ray's workers import this module as they start. Whatever needs pandas imports it afterwards as usual.
"""

import sys

_absent = "pandas" not in sys.modules
if _absent:
    # None makes `import pandas` fail as if it were not installed.
    sys.modules["pandas"] = None  # type: ignore[assignment]
try:
    import ray.serve  # noqa: F401 - for its side effect
finally:
    if _absent:
        del sys.modules["pandas"]
