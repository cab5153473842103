"Package metadata lives in settings.ini; this file only hands it to setuptools."
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup, find_packages

cfg = ConfigParser(delimiters=['='])
cfg.read(Path(__file__).parent/'settings.ini', encoding='utf-8')
cfg = cfg['DEFAULT']

extras = {name: cfg[f'{name}_requirements'].split() for name in ('dev', 'espeak', 'asr', 'coder')}
setup(
    name=cfg['lib_name'], version=cfg['version'], description=cfg['description'], keywords=cfg['keywords'], author=cfg['author'],
    license='Apache-2.0', url=cfg['git_url'], python_requires=f">={cfg['min_python']}", packages=find_packages(include=['melnet', 'melnet.*']),
    long_description=Path(__file__).with_name('README.md').read_text(encoding='utf-8'), long_description_content_type='text/markdown',
    package_data={'melnet': ['presets/*.yml', 'pretrained/*/*']}, install_requires=cfg['requirements'].split(),
    extras_require=extras,
    entry_points={'console_scripts': cfg['console_scripts'].split(), 'nbdev': [f"{cfg['lib_name']}={cfg['lib_path']}._modidx:d"]},
    zip_safe=False,
)
