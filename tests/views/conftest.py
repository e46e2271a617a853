"""What the viewer's tests share."""

from tests.views.viewing import browser, show  # noqa: F401  # fixtures
