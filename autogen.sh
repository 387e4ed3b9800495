#!/bin/sh
# Makes ./configure from configure.ac and Makefile.am.

set -e
cd "$(dirname "$0")"

for tool in autoconf automake pkg-config; do
	if ! command -v "$tool" >/dev/null 2>&1; then
		cat >&2 <<-EOT
		autogen.sh: $tool is missing. Install autoconf, automake and
		pkg-config: apt-get install autoconf automake pkg-config (Debian,
		Ubuntu), pkg install autoconf automake pkgconf (FreeBSD),
		brew install autoconf automake pkgconf (macOS).
		EOT
		exit 1
	fi
done

mkdir -p build-aux
exec autoreconf --install --force "$@"
