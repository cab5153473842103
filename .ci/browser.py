"""Drive the explorers and the walkthrough in a real browser: every slider moved, every button pressed, every picture compared.
usage: python .ci/browser.py FOLDER [lab] [voila] [walkthrough]     (screenshots go to FOLDER; needs playwright, voila and chromium)"""
import contextlib, functools, json, os, re, shutil, signal, subprocess, sys, tempfile, time, wave
from pathlib import Path
try: from playwright.sync_api import sync_playwright, Error
except ImportError: sys.exit("browser tests need playwright; install it with: pip install -e '.[dev]'")

FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
SETTINGS = {'@jupyterlab/apputils-extension/notification': {'fetchNews': 'false', 'checkForUpdates': False},
            '@jupyterlab/notebook-extension/tracker': {'windowingMode': 'none'}}     # cells out of sight stay in the page
failures, done = [], 0

def check(ok, what):
    global done
    done += 1
    print('   ', 'ok  ' if ok else 'FAIL', what, flush=True)
    if not ok: failures.append(what)

def chromium(p):
    "The browser, or a clear sentence"
    if path := shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome'): return path
    path = p.chromium.executable_path
    if not Path(path).exists(): sys.exit('browser tests need chromium; install it with: apt-get install chromium, or: playwright install chromium')
    return path

def explore(app): return [sys.executable, '-m', 'melnet', 'explore', '--browser=false', *(['--app'] if app else [])]
def lab(folder): return [sys.executable, '-m', 'jupyterlab', folder, '--no-browser', '--ServerApp.ip=127.0.0.1', *(['--allow-root'] if os.geteuid() == 0 else [])]

@contextlib.contextmanager
def serving(command, folder):
    "A server as a user starts it; its address"
    conf = folder/'config'
    for name, values in SETTINGS.items():
        path = conf/'lab'/f'{name}.jupyterlab-settings'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    (conf/'jupyter_lab_config.json').write_text(json.dumps({'LabApp': {'expose_app_in_browser': True, 'extension_manager': 'readonly'}}))
    env = {**os.environ, 'JUPYTER_CONFIG_DIR': str(conf), 'JUPYTERLAB_SETTINGS_DIR': str(conf/'lab'), 'JUPYTERLAB_WORKSPACES_DIR': str(conf/'spaces'), 'OMP_NUM_THREADS': '1'}
    env.pop('MPLBACKEND', None)                      # a notebook shows its figures only with its own
    log = open(folder/'log', 'w')
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(600):
            if found := re.search(r'^ *(http://127\.0\.0\.1\S*token=[\w-]+)$', (folder/'log').read_text(), re.M): break
            if process.poll() is not None: sys.exit((folder/'log').read_text())
            time.sleep(.2)
        else: sys.exit(f'{" ".join(command)} did not print an address in two minutes')
        yield found[1]
    finally:
        with contextlib.suppress(ProcessLookupError): os.killpg(process.pid, signal.SIGTERM)
        process.wait(30); log.close()

class Panel:
    "One explorer in a page"
    def __init__(self, page, name): self.page, self.name, self.box = page, name, page.locator(f'.{name}')
    def picture(self): return self.box.locator('img').first.get_attribute('src') if self.shown() else None
    def shown(self): return self.box.locator('img').first.is_visible()
    def note(self): return self.box.locator('[role=status]').first.inner_text().strip()
    def text(self): return '\n'.join(self.box.locator('.widget-html-content').all_inner_texts())
    def players(self): return [a for a in self.box.locator('audio').all() if a.is_visible()]
    def slider(self, label): return self.row(label).locator('.noUi-handle').first
    def row(self, label): return self.box.locator('.widget-inline-hbox, .widget-hslider, .widget-dropdown, .widget-text').filter(has=self.page.locator(f'label:text-is("{label}")')).locator('visible=true').first

    def settle(self, seconds=60):
        "Wait until nothing has changed for a while and nothing is being done"
        end, last, since = time.time() + seconds, None, time.time()
        while time.time() < end:
            now = self.picture(), self.text(), len(self.players())
            if now != last: last, since = now, time.time()
            if time.time() - since > .8 and not self.note().endswith('…'): return
            self.page.wait_for_timeout(50)
        check(False, f'{self.name}: still busy after {seconds} s: {self.note()}')

    def expect(self, what, act, picture=None, text=None, note=None, wait=True):
        "Do something; the picture and the text must change, or stay, and the sentence must hold a word"
        self.settle()                                # a late answer to what was done before must not count
        before = self.picture(), self.text()
        act()
        start = time.time()
        while wait and time.time() - start < 20 and (self.picture(), self.text()) == before: self.page.wait_for_timeout(30)
        self.settle()
        after = self.picture(), self.text()
        if picture is not None: check((after[0] != before[0]) == picture, f'{self.name}: {what}: {"a new" if picture else "the same"} picture')
        if text is not None: check((after[1] != before[1]) == text, f'{self.name}: {what}: {"new" if text else "the same"} text')
        said = lambda: note in self.note() if note else not self.note()
        for _ in range(200):                         # keys pressed quickly are worked off one after another
            if said(): break
            self.page.wait_for_timeout(50)
        check(said(), f'{self.name}: {what}: says {self.note()!r}')

    def keys(self, label, key, times=1):
        handle = self.slider(label)
        handle.focus()
        for _ in range(times): self.page.keyboard.press(key)

    def drag(self, label, to):
        "With the mouse; nothing may happen before the button is up"
        handle, track = self.slider(label), self.row(label).locator('.noUi-base').first
        handle.scroll_into_view_if_needed()
        a, b = handle.bounding_box(), track.bounding_box()
        before = self.picture()
        self.page.mouse.move(a['x'] + a['width']/2, a['y'] + a['height']/2)
        self.page.mouse.down()
        for k in range(1, 6): self.page.mouse.move(a['x'] + (b['x'] + b['width']*to - a['x'])*k/5, a['y'] + a['height']/2)
        self.page.wait_for_timeout(400)
        check(self.picture() == before, f'{self.name}: nothing is computed while {label!r} is dragged')
        self.page.mouse.up()

    def pick(self, label, value): self.row(label).locator('select').select_option(label=value)
    def button(self, name): return self.box.locator('button', has_text=re.compile(rf'^\s*{name}\s*$'))     # its icon is part of its accessible name
    def press(self, name): self.button(name).click()
    def write(self, label, value):
        field = self.row(label).locator('input').first
        field.fill(value); field.press('Enter')

def recording(path, seconds=.4):
    "A short wav of noise in bursts, made with the standard library alone"
    n = int(8000*seconds)
    with wave.open(str(path), 'wb') as f:
        f.setnchannels(1); f.setsampwidth(2); f.setframerate(8000)
        f.writeframes(b''.join(((k*k*7919 % 20000 - 10000)*(k//400 % 2) + 50).to_bytes(2, 'little', signed=True) for k in range(n)))
    return path

def upload(panel, path):
    with panel.page.expect_file_chooser() as chooser: panel.box.locator('button', has_text='upload').click()
    chooser.value.set_files(str(path))

def playable(panel, n):
    seconds = [a.evaluate('async a => { for (let k = 0; k < 100 && !(a.duration > 0); k++) await new Promise(r => setTimeout(r, 50)); return a.duration }') for a in panel.players()]
    check(len(seconds) == n and all(s and s > .1 for s in seconds), f'{panel.name}: {n} players hold sound: {seconds} s')

def drive_spectrogram(p, tmp):
    p.settle(); playable(p, 2)
    p.expect('window, one step left by keyboard', lambda: p.keys('window, samples', 'ArrowLeft'), True, True)
    p.expect('hop, one step left', lambda: p.keys('hop, samples', 'ArrowLeft'), True, True)
    p.expect('mel bins, by mouse', lambda: p.drag('mel bins', .1), True, True)
    p.expect('band, by keyboard', lambda: p.keys('band, Hz', 'ArrowRight', 3), True, True)
    p.expect('floor, by mouse', lambda: p.drag('floor', .2), True, True)
    p.expect('range, by keyboard', lambda: p.keys('range, dB', 'ArrowLeft', 2), True, False); playable(p, 2)
    p.expect('digit', lambda: p.pick('digit', 'seven'), True, True)
    p.expect('speaker', lambda: p.pick('speaker', 'theo'), True, True)
    p.expect('the best inversion', lambda: p.press('hear the best inversion'), False, True); playable(p, 3)
    p.expect('toy voice', lambda: p.pick('clip', 'toy voice'), True, True); playable(p, 2)
    p.expect('vowel', lambda: p.pick('vowel', 'i'), True, True)
    p.expect('pitch', lambda: p.keys('pitch, Hz', 'ArrowRight', 5), True, True)
    p.expect('rate', lambda: p.pick('rate, Hz', '16000'), True, True)
    p.expect('file without a path', lambda: p.pick('clip', 'file'), True, True, 'write the path'); check(not p.shown() and not p.players(), 'no stale picture or player')
    p.expect('a path that is not there', lambda: p.write('path', 'nowhere.wav'), note='no such file')
    p.expect('a path', lambda: p.write('path', str(recording(tmp/'bursts.wav'))), True, True); playable(p, 2)
    p.expect('upload, empty', lambda: p.pick('clip', 'upload'), True, True, 'nothing uploaded')
    (tmp/'poem.wav').write_text('no audio at all')
    p.expect('upload of a text', lambda: upload(p, tmp/'poem.wav'), note='not readable as audio')
    p.expect('upload', lambda: upload(p, tmp/'bursts.wav'), True, True); playable(p, 2)
    p.expect('a hop longer than half the window', lambda: p.keys('hop, samples', 'ArrowRight', 2), True, True, 'no way back'); playable(p, 1)
    p.expect('back', lambda: (p.pick('clip', 'sampled by the model'), p.settle(), p.keys('hop, samples', 'Home'), p.keys('hop, samples', 'ArrowRight', 2)), True, True)
    p.expect('seed', lambda: p.write('seed', '3'), True, True); playable(p, 2)

def drive_tiers(p, tmp):
    p.settle()
    p.expect('frame, by keyboard', lambda: p.keys('its frame', 'ArrowRight', 3), True, True)
    p.expect('frame, by mouse', lambda: p.drag('its frame', .9), True, True)
    p.expect('tier', lambda: p.keys('tier sampled', 'ArrowRight'), True, True)
    p.expect('tiers', lambda: p.keys('tiers', 'ArrowRight'), True, True)
    p.expect('clip', lambda: p.pick('clip', 'toy voice'), True, True)

def drive_field(p, tmp):
    p.settle()
    p.expect('frame, by keyboard', lambda: p.keys('frame i', 'ArrowRight', 2), True, True)
    p.expect('bin, by mouse', lambda: p.drag('mel bin j', .2), True, None)
    p.expect('layer', lambda: p.keys('layer', 'ArrowRight'), True, True)
    for stack in ('frequency-delayed', 'centralised'): p.expect(stack, lambda: p.pick('stack', stack), True, True)
    check('of the future: 0' in p.text(), 'FieldExplorer: nothing of the future is seen')

def drive_density(p, tmp):
    p.settle()
    p.expect('frame, by keyboard', lambda: p.keys('frame i', 'ArrowRight', 2), True, True)
    p.expect('bin, by mouse', lambda: p.drag('mel bin j', .6), True, True)
    p.expect('scored as another digit', lambda: p.pick('as digit', 'nine'), True, True)
    p.expect('scored as another speaker', lambda: p.pick('as speaker', 'lucas'), True, True)
    p.expect('another clip', lambda: p.pick('digit', 'two'), True, True)

def drive_generation(p, tmp):
    check(not p.button('stop').is_enabled(), 'stop rests while nothing is sampled')
    p.pick('digit', 'three'); p.pick('speaker', 'lucas'); p.write('seed', '1')
    p.keys('temperature', 'ArrowLeft', 2)
    p.press('sample')
    seen = set()
    for _ in range(400):
        if p.shown(): seen.add(p.picture())
        if p.players(): break
        p.page.wait_for_timeout(40)
    p.settle(); playable(p, 1)
    check(len(seen) > 5, f'GenerationExplorer: {len(seen)} pictures while it was sampled')
    p.expect('keep', lambda: p.press('keep'), False, True); playable(p, 2)
    p.expect('save', lambda: p.press('save'), False, None, 'saved')
    check(len(list(tmp.rglob('three_lucas_seed1.wav'))) == 1, 'GenerationExplorer: the wav is in the folder')
    p.keys('prime, frames', 'ArrowRight', 12); p.pick('clip', 'toy voice'); p.keys('pace, frames', 'Home')
    p.press('sample'); p.page.wait_for_timeout(2500); p.press('stop'); p.page.wait_for_timeout(300)
    p.settle(); check('stopped' in p.note(), f'GenerationExplorer: stopped: {p.note()!r}'); playable(p, 2)
    p.expect('sample to the end', lambda: (p.keys('pace, frames', 'End'), p.press('sample'), p.page.wait_for_timeout(300)), True, True)
    p.expect('keep', lambda: p.press('keep'), False, True); playable(p, 3)
    p.expect('forget', lambda: p.press('forget'), False, True); playable(p, 1)
    check(not p.button('forget').is_enabled(), 'GenerationExplorer: nothing left to forget')
    p.press('keep'); p.settle()

READER = """import torch
from melnet.audio import MelConfig
from melnet.generation import SpeechExplorer
from melnet.model import MelNet, MelNetConfig
from melnet.text import TextConfig
torch.manual_seed(0)
audio = MelConfig(n_fft=256, win_length=256, n_mels=16)
reader = MelNetConfig(n_mels=16, layers=(2, 1), hidden=16, n_mixtures=3, text=TextConfig('abcdehilmnorstuwk .'), audio=audio)
SpeechExplorer(MelNet(reader).eval())"""

def drive_speech(browser, mode, out):
    "The explorer of a model that reads text; a small one that was never trained, on the page that `melnet explore speech` finds"
    cell = {'cell_type': 'code', 'id': 'a', 'metadata': {}, 'execution_count': None, 'outputs': [], 'source': READER}
    kernel = {'kernelspec': {'name': 'python3', 'display_name': 'Python 3', 'language': 'python'}}
    with tempfile.TemporaryDirectory() as tmp:
        page = Path(tmp)/'explore'/'speech.ipynb'
        page.parent.mkdir()
        page.write_text(json.dumps({'cells': [cell], 'metadata': kernel, 'nbformat': 4, 'nbformat_minor': 5}))
        command = [sys.executable, '-m', 'melnet', 'explore', 'speech', '--app', '--browser=false']
        with opened(browser, 'voila', command, Path(tmp), out) as shown:
            shown.locator('.SpeechExplorer').wait_for(timeout=120_000)
            try: read_aloud(Panel(shown, 'SpeechExplorer'), Path(tmp))
            except Error as e: check(False, f'speech: {str(e).splitlines()[0]}')
            shown.screenshot(path=out/'speech.png', full_page=True)

def read_aloud(p, tmp):
    "Say a sentence, watch it grow, keep it; faster; a letter that the model does not know; save"
    text = p.box.locator('textarea')
    text.fill('the kettle is still warm.'); text.press('Tab')
    p.press('say'); seen = set()
    for _ in range(400):
        if p.shown(): seen.add(p.picture())
        if p.players(): break
        p.page.wait_for_timeout(40)
    p.settle(); playable(p, 1)
    check(len(seen) > 1, f'SpeechExplorer: {len(seen)} pictures while it was read')
    seconds = lambda: p.players()[0].evaluate('a => a.duration')
    slow = seconds()
    p.expect('keep', lambda: p.press('keep'), False, True); playable(p, 2)
    p.expect('twice the pace', lambda: (p.keys('pace', 'End'), p.press('say'), p.page.wait_for_timeout(300)), True, True)
    check(seconds() < .8 * slow, f'SpeechExplorer: {slow} s, and {seconds()} s at twice the pace')
    p.expect('save', lambda: p.press('save'), False, None, 'saved')
    check(len(list(tmp.rglob('thekettle*.wav'))) == 1, 'SpeechExplorer: the wav is in the folder')
    text.fill('quiz'); text.press('Tab')
    p.expect('a letter that it does not know', lambda: (p.press('say'), p.page.wait_for_timeout(300)), None, None, 'no symbol')

DRIVES = {'SpectrogramExplorer': drive_spectrogram, 'TiersExplorer': drive_tiers, 'FieldExplorer': drive_field, 'DensityExplorer': drive_density, 'GenerationExplorer': drive_generation}

RUN_ALL = """async () => { const a = window.jupyterapp; await a.restored; a.shell.collapseLeft();
    for (let k = 0; k < 200 && !a.shell.currentWidget?.context; k++) await new Promise(r => setTimeout(r, 100));
    const w = a.shell.currentWidget; await w.context.ready; await w.sessionContext.ready; await w.sessionContext.session.kernel.info;
    await a.commands.execute('notebook:run-all-cells') }"""

@contextlib.contextmanager
def opened(browser, mode, command, tmp, out):
    "The page that a server shows; at the end, no page error and no error output"
    with serving(command, tmp) as url:
        page, errors, start = browser.new_page(viewport={'width': 1280, 'height': 1000}), [], time.time()
        page.set_default_timeout(30_000)
        page.on('pageerror', lambda e: errors.append(str(e)))
        page.goto(url, timeout=120_000)
        if mode != 'voila': page.wait_for_function('window.jupyterapp', timeout=120_000)
        yield page
        page.screenshot(path=out/f'{mode}.png')
        check(not errors, f'{mode}: no page error {errors}')
        wrong = page.locator('[data-mime-type="application/vnd.jupyter.stderr"], [data-mime-type="application/vnd.jupyter.error"], .jp-RenderedText[data-mime-type*="error"]').all_inner_texts()
        check(not wrong and 'Traceback' not in page.content(), f'{mode}: no error output {wrong}')
        print(f'{mode}: {time.time() - start:.0f} s', flush=True)

def drive(browser, mode, out):
    "The five explorers"
    with tempfile.TemporaryDirectory() as tmp, opened(browser, mode, explore(mode == 'voila'), tmp := Path(tmp), out) as page:
        if mode == 'lab': page.evaluate(RUN_ALL)
        page.locator(f'.{list(DRIVES)[-1]}').wait_for(timeout=120_000)
        for name, fn in DRIVES.items():
            panel, start = Panel(page, name), time.time()
            panel.box.scroll_into_view_if_needed()
            try: fn(panel, tmp)
            except Error as e: check(False, f'{name}: {str(e).splitlines()[0]}')
            panel.box.screenshot(path=out/f'{mode}_{name}.png')
            print(f'  {name}: {time.time() - start:.0f} s', flush=True)

def pictures(cell): return [img.get_attribute('src') for img in cell.locator('.jp-OutputArea img').all()]

def answer(page, cell, code):
    "Type an answer over an exercise, run it, and what the checker says then"
    said = cell.locator('.jp-OutputArea').inner_text()
    editor = cell.locator('.cm-content')
    editor.click(); page.keyboard.press('Control+A'); page.keyboard.insert_text(code); page.keyboard.press('Control+Enter')
    for _ in range(400):
        if (now := cell.locator('.jp-OutputArea').inner_text()).strip() and now != said: return now
        page.wait_for_timeout(50)
    return said

def drive_walkthrough(browser, mode, out):
    "All cells, from the recording to the exercises, which are then done: once wrong, once right"
    with tempfile.TemporaryDirectory() as tmp:
        source = Path(__file__).parents[1]/'nbs'/'00_walkthrough.ipynb'
        notebook = json.loads(source.read_text())
        cells = [c for c in notebook['cells'] if c['cell_type'] == 'code']
        stored = [sum('image/png' in out.get('data', {}) for out in c['outputs']) for c in cells]
        for c in cells: c['outputs'] = []                  # so that every picture is of this run
        (Path(tmp)/source.name).write_text(json.dumps(notebook))
        with opened(browser, mode, lab('.'), Path(tmp), out) as page:
            try: walk(page, stored, source.name, mode, out)
            except Error as e: check(False, f'{mode}: {str(e).splitlines()[0]}')

def walk(page, stored, name, mode, out):
    page.locator('.jp-DirListing-item', has_text=name).dblclick()
    shown = page.locator('.jp-CodeCell')
    shown.nth(len(stored) - 1).wait_for(state='attached', timeout=120_000)
    check(shown.count() == len(stored), f'{mode}: {len(stored)} code cells are shown')
    check(not page.locator('.cm-line', has_text='#| hide').locator('visible=true').count(), f'{mode}: cells that are not for reading are folded')
    page.evaluate(RUN_ALL)
    page.wait_for_function("() => jupyterapp.shell.currentWidget.content.widgets.every(w => w.model.type !== 'code' || w.model.executionCount)", timeout=300_000)
    for i, n in enumerate(stored):
        if n: check(len(pictures(shown.nth(i))) == n, f'{mode}: cell {i} has drawn its picture')
    seconds = [a.evaluate('a => a.duration') for a in page.locator('.jp-CodeCell audio').all()]
    check(len(seconds) >= 5 and all(s and s > .1 for s in seconds), f'{mode}: {len(seconds)} players hold sound: {seconds} s')
    for name, answers in ANSWERS.items():
        cell = shown.filter(has_text=f'def {name}(').first
        check('not yet' in cell.locator('.jp-OutputArea').inner_text(), f'{mode}: {name} waits for its answer')
        lines = cell.locator('.cm-content').inner_text().split('\n')
        head, call = (next(line for line in lines if line.startswith(start)) for start in ('def ', 'check_'))
        for what, body in zip(('wrong', 'right'), answers):
            said = answer(page, cell, f'{head}\n    {body}\n\n{call}').strip()
            check(('not yet' in said, 'right' in said) == (what == 'wrong', what == 'right'), f'{mode}: {name}, a {what} answer: {said!r}')
        cell.screenshot(path=out/f'{mode}_{name}.png')
    page.set_viewport_size({'width': 1280, 'height': 14_000})     # the whole page in one picture
    page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    page.wait_for_timeout(1000)

ANSWERS = {     # of the walkthrough's exercises: a wrong one, a right one
    'nats_per_second': ("return model.nll(x, cond=cond)['total']", "return model.nll(x, cond=cond)['total'] * x.shape[2] * model.cfg.audio.sample_rate / model.cfg.audio.hop_length"),
    'which_word': ("return model.nll(x, cond={'word': [0]*len(x), 'voice': [voice]*len(x)})['total']",
                   "return torch.stack([model.nll(x, cond={'word': [w]*len(x), 'voice': [voice]*len(x)})['total'] for w in range(3)], 1).argmin(1)"),
    'finish': ('return model.sample(len(x), cond=cond, seed=0, progress=False)', 'return model.sample(len(x), prime=x[:, :P], cond=cond, seed=0, progress=False)')}

def main(out, *modes):
    out, start = Path(out), time.time()
    out.mkdir(parents=True, exist_ok=True)
    if not modes:                                    # side by side, one core each
        runs = [subprocess.Popen([sys.executable, __file__, str(out), *some], stdout=subprocess.PIPE, text=True) for some in (['lab'], ['voila', 'walkthrough', 'speech'])]
        for run in runs: print(run.communicate()[0], flush=True)
        return any(run.returncode for run in runs)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=chromium(p), headless=True, args=FLAGS)
        for mode in modes: {'walkthrough': drive_walkthrough, 'speech': drive_speech}.get(mode, drive)(browser, mode, out)
        browser.close()
    print(f'browser, {" ".join(modes)}: {done - len(failures)} checks passed, {len(failures)} failed, {time.time() - start:.0f} s', *failures, sep='\n  ')
    return bool(failures)

if __name__ == '__main__':
    if len(sys.argv) < 2: sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
