"""The page: four tabs of Gradio's components; the only package that imports gradio."""

import os

# Gradio reads it when it is imported, and would look up hosts outside.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
