# Home Assistant 2026.10 and newer answer `import voluptuous` with probatio, which is
# what schemas are then made of; mypy must see the same classes as Home Assistant's own
# annotations do.
from probatio import *
