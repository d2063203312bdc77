"""What operators decide about models: which revisions there are, which run, who gets the traffic."""
