"""Whether a folder lies on a file system that one host's processes can share a SQLite file on."""

from __future__ import annotations

from pathlib import Path

_NETWORK = frozenset(
    [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "afs",
        "ncpfs",
        "fuse.sshfs",
        "fuse.s3fs",
        "fuse.gcsfuse",
        "fuse.goofys",
        "fuse.rclone",
        "fuse.glusterfs",
        "fuse.ceph",
        "fuse.juicefs",
    ]
)


def network_kind(folder: Path, *, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The kind of network file system a folder lies on; None when it is local, or the system does not say.

    Args:
        folder: An existing folder.
        mounts: The list of mounts, as Linux keeps it.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    target = folder.resolve()
    longest, found = -1, None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        place = _unescaped(fields.split(" ")[4])
        if target.is_relative_to(place) and len(place) >= longest:  # the later mount covers the earlier
            longest, found = len(place), rest.split(" ")[0]
    return found if found in _NETWORK else None


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
