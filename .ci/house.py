"""Check how the package and its pages are built: which module may import which, and how long things may be.

usage: python .ci/house.py [arrows] [names] [stars] [lines] [sizes]      (all, if none is named)

arrows  a module imports only from floors below its own, so there are no circles; each module stands in FLOORS
names   no public name is defined in two modules; a name that is imported and given again is defined once
stars   no module says `import *`
lines   no line of a code cell is longer than 140 characters
sizes   a module has at most 420 lines, a page 110 cells (a core lesson 90), a code cell 30 lines

Prints one line for each thing that is wrong; the exit status is 1 if there is any.
"""
import ast, json, re, sys
from pathlib import Path

top = Path(__file__).resolve().parent.parent
FLOORS = '''core audio exercises mixture multiscale clips archives datasets corpus stacks conditioning recompute muon text model hub kernels sampling
recorded sample say processes training checkpoints reports train recognise words evaluate score memory plan views widgets generation explore render
commands cli'''.split()     # low to high
WIDTH, MODULE, PAGE, LESSON, CELL = 140, 420, 110, 90, 30


def modules():
    "Every module but the two that are not made from notebooks, by name"
    return {p.stem: p for p in sorted((top/'melnet').glob('*.py')) if not p.stem.startswith('_')}

def tree(path): return ast.parse(path.read_text(encoding='utf-8'))

def pages():
    "Every notebook's cells, by file name"
    found = sorted(p for p in (top/'nbs').glob('*.ipynb') if not p.name.startswith(('_', '.')))
    return {p.name: json.loads(p.read_text(encoding='utf-8'))['cells'] for p in found}

def code_cells():
    for name, cells in pages().items():
        for k, cell in enumerate(cells):
            if cell['cell_type'] == 'code': yield f'{name}, cell {k} ({cell.get("id")})', ''.join(cell['source']).split('\n')


def imported(path):
    "Modules of melnet that a module imports, also inside its functions, each with its line"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import): names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = '.'.join(filter(None, ['melnet' if node.level else None, node.module]))
            names = [f'melnet.{a.name}' for a in node.names if not a.name.startswith('_')] if package == 'melnet' else [package]
        else: continue
        for name in names:
            if name.startswith('melnet.'): yield name.split('.')[1], node.lineno

def bad_arrows():
    "Imports that do not lead down; a circle has at least one of them"
    for name, path in modules().items():
        if name not in FLOORS: yield f'{name}.py: stands on no floor; add it to FLOORS in .ci/house.py'
        for other, line in imported(path):
            if other not in FLOORS: yield f'{name}.py:{line} imports {other}, which stands on no floor'
            elif name in FLOORS and FLOORS.index(other) >= FLOORS.index(name):
                yield f'{name}.py:{line} imports {other}, which does not stand below it'

def defined(path):
    "Public names that a module itself defines"
    body, names, listed = tree(path).body, set(), set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)): names.add(node.name)
        if not isinstance(node, (ast.Assign, ast.AnnAssign)): continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        found = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        if found == {'__all__'}: listed = set(ast.literal_eval(node.value))
        names |= found
    return names & listed

def bad_names():
    "Public names that two modules define"
    homes = {}
    for module, path in modules().items():
        for name in defined(path): homes.setdefault(name, []).append(module)
    for name, where in sorted(homes.items()):
        if len(where) > 1: yield f'{name}: defined in {" and in ".join(where)}'

def bad_stars():
    "Imports that do not say what they import"
    for name, path in modules().items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == '*': yield f'{name}.py:{node.lineno} imports * from {node.module}'

def bad_lines():
    "Lines of code that are too long"
    for where, lines in code_cells():
        for k, line in enumerate(lines):
            if len(line) > WIDTH: yield f'{where}: line {k + 1} has {len(line)} characters'

def bad_sizes():
    "Modules, pages and cells that are too long"
    for name, path in modules().items():
        if (n := len(path.read_text(encoding='utf-8').splitlines())) > MODULE: yield f'{name}.py: {n} lines; at most {MODULE}'
    for name, cells in pages().items():
        most = LESSON if re.match(r'0[1-9]_|10_', name) else PAGE
        if len(cells) > most: yield f'{name}: {len(cells)} cells; at most {most}'
    for where, lines in code_cells():
        if len(lines) > CELL: yield f'{where}: {len(lines)} lines; at most {CELL}'


CHECKS = {'arrows': bad_arrows, 'names': bad_names, 'stars': bad_stars, 'lines': bad_lines, 'sizes': bad_sizes}

def bad_house(asked=CHECKS): return [line for name in asked for line in CHECKS[name]()]

if __name__ == '__main__':
    if not set(sys.argv[1:]) <= {*CHECKS}: sys.exit(__doc__)
    found = {name: [*CHECKS[name]()] for name in sys.argv[1:] or CHECKS}
    for lines in found.values():
        for line in lines: print('-', line)
    print('house:', ', '.join(f'{len(lines)} {name}' for name, lines in found.items()))
    sys.exit(any(found.values()))
