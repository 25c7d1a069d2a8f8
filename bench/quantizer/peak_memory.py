"""Peak resident memory of a process."""

from pathlib import Path


def peak_memory_mb() -> float:
    """In megabytes of 2^20 bytes. `getrusage` would count the parent's, too, from before the program was loaded."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status: VmHWM was required; this bench runs on Linux")
