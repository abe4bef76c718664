"""How much processor time and memory each verb takes, as a whole process, on a hostile input of a megabyte.

usage: python benchmarks/hostile.py [WORD]    (in an environment where Claudestrator is installed; WORD chooses inputs)
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
os.environ["WHOLE"] = "yes"

from hostile_inputs import INPUTS, Hostile

HELPER = str(Path(sys.executable).with_name("claudestrator-helper"))


def main() -> None:
    chosen = {name: each for name, each in INPUTS.items() if all(word in name for word in sys.argv[1:])}
    print(f"{'input':<36} {'verb':<32} {'s':>6} {'MB':>6} {'printed':>9}")
    for name, each in chosen.items():
        for words, given in each.calls:
            print(f"{name:<36} {words:<32} {_measured(each, words, given)}", flush=True)


def _measured(hostile: Hostile, words: str, given: str) -> str:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out:
        project = Path(folder, "project")
        project.mkdir()
        for path, text in hostile.files.items():
            (project / path).parent.mkdir(exist_ok=True)
            (project / path).write_text(text, encoding="utf-8")
        source.write(given.encode())
        source.seek(0)
        environ = {**os.environ, "XDG_STATE_HOME": f"{folder}/state"}
        command = [HELPER, *words.split()]
        process = subprocess.Popen(command, cwd=project, stdin=source, stdout=out, stderr=out, env=environ)
        _, _, used = os.wait4(process.pid, 0)
        return f"{used.ru_utime + used.ru_stime:>6.2f} {used.ru_maxrss / 1024:>6.0f} {out.seek(0, os.SEEK_END):>9,}"


if __name__ == "__main__":
    main()
