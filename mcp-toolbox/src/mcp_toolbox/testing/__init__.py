"""Fakes of the services that the toolbox calls, for tests."""

from mcp_toolbox.testing.odoo import FakeOdoo

__all__ = ["FakeOdoo"]
