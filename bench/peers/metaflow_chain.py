"""Ten trivial steps in a chain, as Metaflow runs them: a process each, results kept in a folder."""

# ruff: noqa: D101, D102

from metaflow import FlowSpec, step


class Chain(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.next(self.n2)

    @step
    def n2(self):
        self.x += 1
        self.next(self.n3)

    @step
    def n3(self):
        self.x += 1
        self.next(self.n4)

    @step
    def n4(self):
        self.x += 1
        self.next(self.n5)

    @step
    def n5(self):
        self.x += 1
        self.next(self.n6)

    @step
    def n6(self):
        self.x += 1
        self.next(self.n7)

    @step
    def n7(self):
        self.x += 1
        self.next(self.n8)

    @step
    def n8(self):
        self.x += 1
        self.next(self.n9)

    @step
    def n9(self):
        self.x += 1
        self.next(self.end)

    @step
    def end(self):
        self.x += 1
        assert self.x == 10


if __name__ == "__main__":
    Chain()
