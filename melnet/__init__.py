"""MelNet, an autoregressive model of spectrograms: `melnet.load('digits').sample(4, cond={'digit': 7, 'speaker': 0})`

The names below are imported when somebody asks for them: `import melnet` alone takes no time."""
__version__ = "0.1.0"
__all__ = ['MelNet', 'MelNetConfig', 'MelConfig', 'MelCodec', 'load']

import importlib

_homes = {'MelNet': 'model', 'MelNetConfig': 'model', 'MelConfig': 'audio', 'MelCodec': 'audio'}

def load(
    name_or_dir='digits', # The name of shipped weights, or the folder of a training run
    device='cpu', # Where the model shall lie
): # The `MelNet`, in evaluation mode
    "A trained model"
    return __getattr__('MelNet').from_pretrained(name_or_dir, device)

def __getattr__(name):
    if name not in _homes: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    importlib.import_module('.say', __name__)           # gives a model its methods `sample`, `decode` and `say`
    return getattr(importlib.import_module(f'.{_homes[name]}', __name__), name)

def __dir__(): return sorted({*globals(), *__all__})
