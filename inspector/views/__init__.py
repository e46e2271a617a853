"""Views: results in, pictures, tables and files out; pure numpy, no torch and no gradio."""
