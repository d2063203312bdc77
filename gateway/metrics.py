"""What the gateway and the worker count. Scraped from the internal listener only."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)

REQUESTS = Counter("headrace_http_requests", "Requests answered.", ["surface", "status"])
TOKENS = Counter("headrace_tokens", "Tokens booked.", ["model", "kind"])
BOOKINGS_WAITING = Gauge("headrace_ledger_bookings_waiting", "Ledger entries not yet written.")
LEDGER_DIFFERENCE = Gauge(
    "headrace_ledger_difference_tokens",
    "What the engines counted less what the ledger holds (charged and overhead). Work under way shows here.",
    ["model", "kind"],
)
LEDGER_ESTIMATED = Gauge(
    "headrace_ledger_estimated_tokens",
    "Tokens in the ledger of answers that were cut off before the engine said what they cost.",
    ["model", "kind"],
)
LEDGER_COMPARISONS = Counter(
    "headrace_ledger_comparisons",
    "Comparisons of the ledger with the engines that this process made. One process leads, the others rest.",
)
LEDGER_MISMATCHES = Counter(
    "headrace_ledger_mismatches", "Differences that did not go away by themselves.", ["model", "kind"]
)
JOURNAL_FAILURES = Counter("headrace_ledger_journal_failures", "Notes that could not be written.")
TURNS = Counter("headrace_turns", "Turns that ended.", ["model", "outcome"])
TURNS_RUNNING = Gauge("headrace_turns_running", "Turns that this process is running.")
FIRST_TOKEN = Histogram(
    "headrace_first_token_seconds",
    "From a request to its first token.",
    ["surface", "model"],
    buckets=_SECONDS,
)
RELAYS_RUNNING = Gauge("headrace_api_requests_running", "OpenAI requests being answered.")
SOCKETS = Gauge("headrace_event_sockets", "Open event WebSockets.")
JOBS = Counter("headrace_jobs", "Jobs that ended.", ["kind", "outcome"])
OUTBOX_SENT = Counter("headrace_outbox_sent", "Outbox rows handed to Kafka.")
LOG_STORE_FAILURES = Counter("headrace_log_store_failures", "Writes of live logs that did not succeed.")
SHADOWS = Counter(
    "headrace_shadow_requests", "Copies of requests that shadows were asked.", ["model", "outcome"]
)
TURNS_CONTINUED = Counter(
    "headrace_turns_continued", "Answers that went on with another engine or runner.", ["model", "reason"]
)
