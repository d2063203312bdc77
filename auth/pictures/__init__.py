"""The picture by which a person is known in the page."""
