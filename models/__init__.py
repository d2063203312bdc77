"""Which models exist: their specification, the catalogue of them and their weights."""
