"""What `headrace test` runs: the plan of its steps, and the bench on which they run."""
