#!/bin/sh
# Makes the embedded speech again from the Debian packages named in README.md. Needs Debian's apt-get and dpkg-deb
# (no root), Node, the packages of the project (npm run setup), and flac (1.4.2 for the same bytes; the samples are the same with any).
# Prints what it made; `git diff` then shows no change.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT

cd "$packages"
apt-get download asterisk-core-sounds-en=1.6.1-1 asterisk-core-sounds-en-wav=1.6.1-1
sha256sum --check "$here/packages.sha256"
for package in *.deb; do dpkg-deb -x "$package" .; done
# Lossless, and as small as flac can: 7.1 MB instead of 12.0.
find usr/share/asterisk/sounds/en_US_f_Allison -name '*.wav' -print0 |
    xargs -0 flac -8 -e -p -b 576 --no-padding --no-seektable --silent --delete-input-file

made=$root/dist/prompts.mjs
"$root/node_modules/.bin/esbuild" "$here/prompts.ts" --bundle --platform=node --format=esm --packages=external --log-level=error --outfile="$made"
PACKAGES=$packages TARGET=$here MODULE=$made node --input-type=module --eval '
  import { pathToFileURL } from "node:url";
  const { PACKAGES, TARGET, MODULE } = process.env;
  const { writePromptSets } = await import(pathToFileURL(MODULE));
  const parts = await writePromptSets({ packages: PACKAGES, holdoutList: `${TARGET}/holdout.txt`, target: TARGET });
  for (const [part, prompts] of Object.entries(parts)) console.log(`${part}: ${prompts.length} prompts`);
'
