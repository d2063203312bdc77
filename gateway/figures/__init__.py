"""What each revision did, minute by minute: for whoever decides about models."""
