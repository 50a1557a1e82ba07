"""Files and folders that are complete or absent: atomic writes, locks, safetensors and npz without pickle."""
