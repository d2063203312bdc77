"""Sets of prompts with checks: what a revision has to be able to do before it gets traffic."""
