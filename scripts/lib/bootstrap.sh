# shellcheck shell=bash
# Sourced by the scripts beside this folder. Brings uv, a Python and the environments,
# each only where it is missing; knows nothing of what they are used for.
#
#   oldest_home_assistant     prints the oldest release that is supported
#   bring_uv                  uv is on PATH afterwards
#   bring_python              sets $python to an interpreter that Home Assistant accepts
#   bring_environment NAME    sets $environment to a folder with requirements/NAME.txt

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/plex-butler
readonly root cache
# Of the shell that this was called from; without its bytecode Home Assistant starts slowly
unset PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV
readonly python_wanted=">=3.14.2,<3.15"

# hacs.json is the one place that names it
oldest_home_assistant() {
  sed -n 's/.*"homeassistant": "\(.*\)".*/\1/p' "$root/hacs.json"
}

say() { printf '%s\n' "$*" >&2; }

give_up() {
  say "plex-butler: $*"
  exit 1
}

bring_uv() {
  local version
  PATH=$PATH:$cache/uv/bin # behind one that is there
  version=$(uv --version 2>/dev/null) || version=
  # 0.8 is the first that knows Python 3.14
  [[ $version =~ ^uv\ (0\.([89]|[0-9]{2,})|[1-9]) ]] && return
  say "Installing uv ..."
  rm -rf "$cache/uv" && mkdir -p "$cache"
  if ! { python3 -m venv "$cache/uv" &&
    "$cache/uv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$root/requirements/uv.txt"; }; then
    rm -rf "$cache/uv"
    give_up "uv is missing and pip cannot bring it: install uv, then run this again"
  fi
  PATH=$cache/uv/bin:$PATH
}

# Extensions are built with it, so one without its headers does not do
usable_python() {
  [[ -x $1 ]] && "$1" -c 'import pathlib, ssl, sqlite3, sys, sysconfig
sys.exit(not ((3, 14, 2) <= sys.version_info < (3, 15) and pathlib.Path(sysconfig.get_path("include"), "Python.h").is_file()))' 2>/dev/null
}

find_python() {
  python=$(uv python find --system --no-project --no-python-downloads "$python_wanted" 2>/dev/null) &&
    usable_python "$python" && return
  python=$cache/python/bin/python3.14
  usable_python "$python"
}

bring_python() {
  find_python && return
  say "Installing Python 3.14 ..."
  UV_HTTP_TIMEOUT=30 uv python install --quiet --no-bin 3.14 2>/dev/null && find_python && return
  say "uv cannot download it; taking Debian's ..."
  "$root/scripts/lib/debian-python" "$cache/python" && find_python && return
  give_up "no Python $python_wanted with headers: install one (and its -dev package), then run this again"
}

bring_environment() {
  local lock=$root/requirements/$1.txt stamp wanted
  environment=$root/.venv-$1
  [[ $1 != test ]] || environment=$root/.venv # the one that editors look for
  stamp=$environment/complete
  wanted=$(git hash-object "$lock")
  # The stamp is written last: without it an interrupted run left half of one
  [[ -x $environment/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]] && return
  bring_uv
  bring_python
  say "Installing requirements/$1.txt ..."
  rm -rf "$environment"
  uv venv --quiet --no-project --python "$python" "$environment"
  uv pip sync --quiet --require-hashes --python "$environment/bin/python" "$lock" ||
    give_up "requirements/$1.txt cannot be installed: see above; a package that is built needs g++ (Debian: apt-get install g++)"
  printf '%s' "$wanted" >"$stamp"
}
