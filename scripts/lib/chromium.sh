# shellcheck shell=bash
# Sourced after bootstrap.sh.
#
#   bring_chromium    sets $chromium to a browser that starts; needs bring_environment
#                     homeassistant first, for Playwright

starts() { [[ -n $1 ]] && "$1" --version >/dev/null 2>&1; }

find_chromium() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    chromium=$(command -v "$name") && starts "$chromium" && return
  done
  # Playwright's own, if it was ever downloaded
  chromium=$("$environment/bin/python" -c 'from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)') && starts "$chromium"
}

bring_chromium() {
  find_chromium && return
  say "Installing Chromium ..."
  "$environment/bin/playwright" install chromium >/dev/null 2>&1 && find_chromium && return
  if command -v apt-get >/dev/null && [[ $(id -u) == 0 ]]; then
    say "Playwright cannot bring one that starts; taking Debian's ..."
    apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium \
      </dev/null >/dev/null && find_chromium && return
  fi
  give_up "no Chromium: install it (Debian: apt-get install chromium), then run this again"
}
