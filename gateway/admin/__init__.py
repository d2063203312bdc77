"""What operators and administrators look after."""
