# The gateway, the worker and the migration: one image, three commands. Build it from the repository's root.
FROM node:22.21.1-bookworm-slim AS page
WORKDIR /page
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY frontend/ ./
RUN NEXT_TELEMETRY_DISABLED=1 npm run build

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home headrace
WORKDIR /srv
COPY requirements/base.txt requirements/
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/base.txt
COPY core/ core/
COPY auth/ auth/
COPY models/ models/
COPY gateway/ gateway/
COPY cluster/ cluster/
RUN install -d -o 10001 -g 10001 -m 0700 /srv/var
COPY --from=page /page/out/ page/
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEADRACE_STATIC_DIR=/srv/page
USER 10001
CMD ["python", "-m", "gateway"]
