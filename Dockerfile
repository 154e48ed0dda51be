# The page in a container: docker build -t facade-lens . && docker run -p 7860:7860 facade-lens
# A smaller image without CUDA: --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
FROM python:3.12-slim

# pydensecrf2 is built from source
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 user

ENV HOME=/home/user \
    PATH=/home/user/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    OMP_WAIT_POLICY=passive \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_DISABLE_TELEMETRY=1 \
    HOST=0.0.0.0 \
    PORT=7860

USER user
WORKDIR /home/user/app

# Packages change seldom, code often: install before the code is copied, so that the layer is kept.
ARG PIP_EXTRA_INDEX_URL=""
COPY --chown=user requirements.txt constraints.txt ./
RUN python -m venv /home/user/venv && pip install --no-cache-dir -r requirements.txt -c constraints.txt

COPY --chown=user . .

EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD python -c "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/', timeout=4)"
CMD ["python", "app.py"]
