"""`x-cpescript: mix`: several profiles in one cohort, by weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cpescript.device.schema import Schema
from cpescript.kernel import draws


class Mix:
    """Profiles with their weights. A question about parameters holds where it holds for every one of them."""

    def __init__(self, name: str, file: str, parts: Sequence[tuple[Schema, int]]) -> None:
        self.name = name
        self.file = file
        self.parts = tuple(schema for schema, _ in parts)
        self.weights = tuple(weight for _, weight in parts)

    def shares(self, count: int) -> tuple[int, ...]:
        """Return how many of `count` devices are of each part: the exact shares rounded down, and what is left given
        to the largest remainders, of equal ones to the first."""
        whole = sum(self.weights)
        shares = [count * weight // whole for weight in self.weights]
        by_remainder = sorted(range(len(shares)), key=lambda part: -(count * self.weights[part] % whole))
        for part in by_remainder[: count - sum(shares)]:
            shares[part] += 1
        return tuple(shares)

    def assigned(self, count: int, stream: int) -> list[Schema]:
        """Return the profile of each of `count` devices, in an order drawn from `stream`."""
        drawn = [schema for schema, share in zip(self.parts, self.shares(count), strict=True) for _ in range(share)]
        for last in range(count - 1, 0, -1):
            other = draws.below(stream, last, last + 1)
            drawn[last], drawn[other] = drawn[other], drawn[last]
        return drawn

    # --- what the checker asks ------------------------------------------------------------------------------------

    def path_exists(self, path: str) -> bool:
        """Whether every part has this parameter or object (`*` stands for any instance)."""
        return all(schema.path_exists(path) for schema in self.parts)

    def type_of(self, path: str) -> str | None:
        """Return the type that the first part gives to a parameter, None where it has none."""
        return self.parts[0].type_of(path)

    def all_names(self) -> Iterator[str]:
        """Yield every path that all parts have."""
        others = [set(schema.all_names()) for schema in self.parts[1:]]
        return (name for name in self.parts[0].all_names() if all(name in names for names in others))

    def __repr__(self) -> str:
        return f"Mix({self.name!r}, {dict(zip((schema.name for schema in self.parts), self.weights, strict=True))})"
