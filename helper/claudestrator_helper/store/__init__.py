"""The project's files, one module for each, and how they are read and written."""
