"""The engine under fire: killed at every named place, frozen, cut off, and made to wait."""
