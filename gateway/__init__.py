"""The public API: chat turns, the OpenAI surface, history, jobs and the routes to models."""
