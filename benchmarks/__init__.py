"""Measured, never asserted: scenarios that print figures side by side."""
