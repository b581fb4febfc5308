FROM python:3.13-slim

# The packages are the image's own: bin/engine makes no environment.
ENV ENGINE_NO_VENV=1 LOG_FORMAT=json PYTHONUNBUFFERED=1

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . .
RUN python -m compileall -q engine jobs web \
    && useradd --system --uid 10001 engine
USER engine

EXPOSE 8080
ENTRYPOINT ["bin/engine"]
CMD ["web"]
