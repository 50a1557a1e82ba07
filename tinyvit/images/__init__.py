"""From an image file to an array: opened, resized and normalised, augmented; and handwritten digits found in it."""
