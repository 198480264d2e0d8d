# shellcheck shell=bash
# Sourced after bring_environment homeassistant and bring_chromium.

# On what a release ships, with a configuration of its own: the test plugin of the other
# tests is not there. Arguments are the files to run.
browser_test() {
  scripts/release || return
  PATH=$environment/bin:$PATH PLEX_BUTLER_CHROMIUM=$chromium "$environment/bin/python" \
    -m pytest -c tests/browser/pytest.ini --rootdir . --confcutdir tests/browser \
    "${@:-tests/browser}"
}
