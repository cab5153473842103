"""Run every page as a reader does, Run All in Jupyter, two at a time, and print how long each took.

usage: python .ci/reader.py FOLDER [PAGE ...]      (executed copies go to FOLDER; PAGE is part of a file name)

Needs only what `pip install -e '.[espeak]'` installs. The last line says how many pages passed; the exit status is 1 if one failed.
"""
import os, re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

top = Path(__file__).resolve().parent.parent
LIMIT = 900                                                 # seconds for a page that hangs; none comes near it at toy size

def run(page, folder):
    "Name, seconds, and what went wrong if something did"
    start = time.perf_counter()
    command = [sys.executable, '-m', 'nbconvert', '--to', 'notebook', '--execute', '--output-dir', folder, page]
    env = {**os.environ, 'OMP_NUM_THREADS': '1'}
    env.pop('MPLBACKEND', None)                             # a notebook shows its figures only with its own
    try: done = subprocess.run(command, cwd=top, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired: return page.name, LIMIT, f'ran over {LIMIT} s'
    return page.name, time.perf_counter() - start, '' if done.returncode == 0 else re.sub(r'\x1b\[[\d;]*m', '', done.stdout)[-3000:]

def main(folder, wanted):
    found = sorted(p for p in (top/'nbs').glob('*.ipynb') if not p.name.startswith(('_', '.')))
    found = [p for p in found if not wanted or any(w in p.name for w in wanted)]
    start = time.time()
    with ThreadPoolExecutor(2) as pool: rows = [*pool.map(lambda p: run(p, folder), found)]
    for name, _, wrong in rows:
        if wrong: print(f'---- {name}\n{wrong}')
    for name, seconds, wrong in rows: print(f'{seconds:6.0f} s  {name}' + ('  FAILED' if wrong else '  over a minute' if seconds > 60 else ''))
    failed = sum(bool(wrong) for *_, wrong in rows)
    print(f'{sum(s for _, s, _ in rows):6.0f} s  all pages, in {time.time() - start:.0f} s, two at a time\nRun All: {len(rows) - failed} passed, {failed} failed')
    return bool(failed)

if __name__ == '__main__':
    if len(sys.argv) < 2: sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
