"""Makes the encoder (docs/encoder.md): corpus, pre-training, fine-tuning, export. Needs PyTorch; never imported at run time."""
