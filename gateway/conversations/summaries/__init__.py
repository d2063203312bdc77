"""What was said in the part of a conversation that no longer fits the model's window, in short."""
