"""The OpenAI surface: the same requests, answers, errors and headers, relayed as bytes."""
