"""What stands behind every adapter: reasoning parted, calls read, mended, checked, and refused where they were cut."""
