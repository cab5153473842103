"`python -m melnet` is the command `melnet`"
from melnet.cli import main

if __name__ == '__main__': main()
