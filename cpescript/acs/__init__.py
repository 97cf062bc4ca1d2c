"""The other side of the wire: a clean reference ACS, its policies and its deliberate defects. Sans-IO."""
