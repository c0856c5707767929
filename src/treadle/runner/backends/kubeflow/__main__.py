"""What a task of a compiled pipeline starts."""

import sys

from treadle.runner.backends.kubeflow._entry import main

if __name__ == "__main__":
    sys.exit(main())
