"""Check the documentation without Quarto: pages, links, images, the sidebar, badges and docments.

usage: python .ci/docs.py [pages] [docments] [house]      (all, if none is named)

pages     turns every notebook into HTML with nbconvert; each link, image and anchor must lead somewhere inside the
          repository (addresses on the web are not visited), each image needs an alt text, the sidebar must name
          every page once, a Colab badge must open its own page, and a test must run each exercise's folded solution
docments  imports every module of melnet; each public function, class and method needs a docstring, and each of its
          parameters a comment that says what it is
house     runs the checks of .ci/house.py: imports only downward, no name twice, nothing too long

Prints one line for each thing that is wrong; the exit status is 1 if there is any.
"""
import configparser, importlib, inspect, pkgutil, re, sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from house import bad_house

top = Path(__file__).resolve().parent.parent
nbs = top/'nbs'
settings = configparser.ConfigParser(delimiters=['='])
settings.read(top/'settings.ini', encoding='utf-8')
settings = settings['DEFAULT']
NO_ALT = 'No description has been provided for this image'        # nbconvert's own words, for figures that cells draw


class Page(HTMLParser):
    "The ids, links and images of one HTML page"
    def __init__(self, html):
        super().__init__()
        self.ids, self.links, self.images = set(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {v.lower() for k in ('id', 'name') if (v := attrs.get(k))}
        if tag == 'a' and attrs.get('href'): self.links.append(attrs['href'])
        if tag == 'img': self.images.append((attrs.get('src') or '', attrs.get('alt') or ''))


def notebooks(): return sorted(p for p in nbs.glob('*.ipynb') if not p.name.startswith(('_', '.')))

def pages():
    "Every notebook as a `Page`, by file name"
    from nbconvert import HTMLExporter
    exporter = HTMLExporter(template_name='basic')
    return {p.name: Page(exporter.from_filename(str(p))[0]) for p in notebooks()}

def outside(address): return re.match(r'[a-z]+:|//', address)

def bad_links(all_pages):
    "Links that lead nowhere; anchors are compared without case, for nbconvert keeps it and Quarto does not"
    for name, page in all_pages.items():
        for link in page.links:
            if outside(link): continue
            file, _, anchor = unquote(link).partition('#')
            if file and not (nbs/file).exists(): yield f'{name}: link to {link}, but there is no such file'
            elif file and top not in (nbs/file).resolve().parents: yield f'{name}: link to {link}, outside the repository'
            elif anchor and (target := all_pages.get(file or name)) and anchor.lower() not in target.ids:
                yield f'{name}: link to {link}, but {file or "the page"} has no such heading'

def bad_images(all_pages):
    "Images that are missing, or that say nothing to those who cannot see them"
    for name, page in all_pages.items():
        for src, alt in page.images:
            if not outside(src) and not (nbs/unquote(src)).is_file(): yield f'{name}: image {src}, but there is no such file'
            if not src.startswith('data:') and (not alt.strip() or alt == NO_ALT): yield f'{name}: image {src[:60]} has no alt text'

def entries(node):
    "All pages named in a piece of Quarto's YAML: plain names, and those behind `href`"
    if isinstance(node, str): return [node] if node.endswith('.ipynb') else []
    return [name for part in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else []) for name in entries(part)]

def bad_sidebar(all_pages):
    "The sidebar names every page once; it and the bar above name no other"
    import yaml
    load = lambda path: yaml.safe_load(path.read_text(encoding='utf-8'))['website']
    sidebar, navbar = entries(load(nbs/'sidebar.yml')['sidebar']), entries(load(top/'_quarto.yml')['navbar'])
    for name in sorted({*sidebar, *navbar} - {*all_pages}): yield f'sidebar.yml or _quarto.yml: {name}, but there is no such page'
    for name in all_pages:
        if sidebar.count(name) != 1: yield f'sidebar.yml: names {name} {sidebar.count(name)} times; it should once'

def bad_badges(all_pages):
    "A badge opens its own page"
    start = f'https://colab.research.google.com/github/{settings["user"]}/{settings["repo"]}/blob/{settings["branch"]}/nbs/'
    for name, page in all_pages.items():
        badges = [l for l in page.links if l.startswith('https://colab.research.google.com/')]
        if badges != [start + name]: yield f'{name}: needs one Colab badge, to {start + name}; it has {badges or "none"}'

def bad_solutions():
    "Every folded solution of an exercise stands, word for word, in a hidden cell of its notebook, which proves it"
    import nbformat
    for path in notebooks():
        cells = nbformat.read(path, 4).cells
        hidden = '\n'.join(c.source for c in cells if c.cell_type == 'code' and c.source.startswith('#| hide'))
        folded = ''.join(part for c in cells if c.cell_type == 'markdown' for part in re.findall(r'<details>.*?</details>', c.source, re.S))
        for code in re.findall(r'```python\n(.*?)```', folded, re.S):
            if code.strip() not in hidden: yield f'{path.name}: the solution "{code.splitlines()[0]}" is in no hidden cell, so nothing tests it'


def undocumented(name, fn):
    """What a function, or the fields of a dataclass, leave unsaid; a line of the docstring that starts with the name, as in
    `Args:`, will do as well, and the comment behind a line of several parameters is for all of them"""
    from fastcore.docments import docments
    if not (fn.__doc__ or '').strip(): yield f'{name}: no docstring'
    said, head = docments(fn, full=True), re.split(r'^\s*"', inspect.getsource(fn), maxsplit=1, flags=re.M)[0]      # up to the docstring
    for p in inspect.signature(fn).parameters.values():
        if p.name in ('self', 'cls') or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD): continue
        there = re.search(rf'^\s*{p.name}:\s*\S', fn.__doc__ or '', re.M) or re.search(rf'^[\w, ]*\b{p.name}, [\w, ]*# \S', head, re.M)
        if not (said.get(p.name) or {}).get('docment') and not there: yield f'{name}: parameter {p.name!r} has no comment'

def bad_docments():
    "Public names, and public methods of public classes, that are not explained"
    import melnet
    ours = lambda o: (getattr(o, '__module__', None) or '').startswith('melnet.')
    for info in pkgutil.iter_modules(melnet.__path__):
        if info.name.startswith('_'): continue
        module = importlib.import_module(f'melnet.{info.name}')
        for name in getattr(module, '__all__', []):
            o, full = getattr(module, name), f'{info.name}.{name}'
            if inspect.isfunction(inspect.unwrap(o)): yield from undocumented(full, inspect.unwrap(o))
            elif inspect.isclass(o): yield from bad_class(full, o, ours)

def bad_class(full, cls, ours):
    "A class: what it is, how it is made, and its own public methods; `forward` says it behind its `def`, as is the house's way"
    if not (cls.__dict__.get('__doc__') or '').strip(): yield f'{full}: no docstring'
    made = cls if hasattr(cls, '__dataclass_fields__') else cls.__dict__.get('__init__')
    if made: yield from (line for line in undocumented(full, made) if not line.endswith('no docstring'))
    for name in vars(cls):
        member = getattr(cls, name)
        fn = inspect.unwrap(getattr(member, '__func__', member))          # a class method, or one that `patch` made
        if name.startswith('_') or not inspect.isfunction(fn) or not ours(fn): continue
        if name == 'forward':
            if not re.search(r'def forward\(.*#.*\S', inspect.getsource(fn)): yield f'{full}.forward: no comment behind its def'
        else: yield from undocumented(f'{full}.{name}', fn)


def main(asked):
    found = []
    if 'pages' in asked:
        all_pages = pages()
        found += [*bad_links(all_pages), *bad_images(all_pages), *bad_sidebar(all_pages), *bad_badges(all_pages), *bad_solutions()]
        links, images = (sum(len(getattr(p, k)) for p in all_pages.values()) for k in ('links', 'images'))
        print(f'{len(all_pages)} pages with {links} links and {images} images')
    if 'docments' in asked:
        sys.path.insert(0, str(top))
        found += bad_docments()
    if 'house' in asked: found += bad_house()
    for line in found: print('-', line)
    print(f'documentation: {len(found)} problems')
    return bool(found)

if __name__ == '__main__':
    asked = sys.argv[1:] or ['pages', 'docments', 'house']
    if not set(asked) <= {'pages', 'docments', 'house'}: sys.exit(__doc__)
    sys.exit(main(asked))
