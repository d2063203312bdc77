# Ray with the engines, on CPUs (REQUIREMENTS=cpu) or NVIDIA GPUs (REQUIREMENTS=gpu).
# Build it from the repository's root.
FROM python:3.11.14-slim-bookworm
ARG REQUIREMENTS=cpu
# vLLM compiles small kernels when it starts.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc g++ libnuma1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --create-home headrace
WORKDIR /srv
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes --no-deps \
    --extra-index-url https://download.pytorch.org/whl/cpu -r "requirements/${REQUIREMENTS}.txt"
COPY core/ core/
COPY models/ models/
COPY serve/ serve/
RUN install -d -o 10001 -g 10001 -m 0700 /srv/var
ENV PYTHONUNBUFFERED=1 \
    PYTHONPATH=/srv \
    HEADRACE_VAR_DIR=/srv/var
USER 10001
VOLUME /srv/var
CMD ["python", "-m", "serve.node"]
