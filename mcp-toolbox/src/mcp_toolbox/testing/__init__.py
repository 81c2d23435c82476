"""Stand-ins for what the toolbox talks to, for tests of your own."""

from mcp_toolbox.testing.odoo import FakeOdoo

__all__ = ["FakeOdoo"]
