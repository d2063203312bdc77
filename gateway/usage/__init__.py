"""The token ledger: what every turn, API request and job used, booked once."""
