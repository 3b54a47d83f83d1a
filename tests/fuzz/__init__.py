"""Damaged and hostile files of every kind that is read: each must be read, or be an error of the package's own."""
