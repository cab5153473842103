"""Make README.md from nbs/index.ipynb, or check that it is up to date.

usage: python .ci/readme.py [--check]

The page's text, code and text outputs are kept. Links and images are relative to nbs/ in the notebook and to the
top folder in the README, so they are rewritten.
"""
import re, sys
from pathlib import Path
import nbformat
from nbconvert import MarkdownExporter

top = Path(__file__).parent.parent
nb = nbformat.read(top/'nbs'/'index.ipynb', 4)
nb.cells = [c for c in nb.cells if '#| hide' not in c.source]
nb.metadata['language_info'] = {'name': 'python'}        # so that code is fenced as Python
text, _ = MarkdownExporter().from_notebook_node(nb)
text = re.sub(r'\]\((?!https?:|#|/|mailto:)', '](nbs/', text)
text = text.replace('](nbs/../', '](')
text = re.sub(r'\n{3,}', '\n\n', text).strip() + '\n'
text = '<!-- made from nbs/index.ipynb by .ci/readme.py -->\n\n' + text

readme = top/'README.md'
if '--check' not in sys.argv: readme.write_text(text, encoding='utf-8')
elif readme.read_text(encoding='utf-8') != text: sys.exit('README.md does not match nbs/index.ipynb; run: python .ci/readme.py')
