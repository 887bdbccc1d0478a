"""The skin on `embeddings`: HTTP and the command line. Uses only what `embeddings` exports."""

__version__ = "0.1.0"
