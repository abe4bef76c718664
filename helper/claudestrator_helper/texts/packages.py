"""The packages of the environment. The launchers start Python without `site`, which takes a third of its start."""

import sys


def find() -> None:
    """Has them found from here on, as `site` would have. What imports one under a launcher calls this first."""
    if sys.flags.no_site and not any(path.endswith("-packages") for path in sys.path):
        import site

        site.main()
