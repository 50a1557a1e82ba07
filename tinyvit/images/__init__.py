"""Images: files opened, resized, normalised and augmented into arrays; and handwritten digits found in them."""
