# The worker and the set-up jobs: crawls, enriches, watches, writes briefings, by schedule.
FROM python:3.11.13-slim-bookworm
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
RUN apt-get update && apt-get install -y --no-install-recommends chromium && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 duluan
WORKDIR /app
COPY --chown=duluan . /app
RUN pip install . && mkdir -p /data /keys && chown duluan /data /keys
USER duluan
WORKDIR /data
ENTRYPOINT ["duluan"]
CMD ["serve"]
