#!/usr/bin/env bash
# Builds the Debian package of a program, judges it with lintian, and installs, uses, removes and purges it in a Debian of
# its own: tests/interop/package.sh PROGRAM. As root; the Debian comes from the archive that apt knows.
set -euo pipefail

program=$(realpath "${1:?name the program}")
cd "$(dirname "$0")/../.."
for tool in mmdebstrap lintian systemd-analyze dpkg-deb curl man; do
  command -v "$tool" >/dev/null || { echo "SKIPPED: $tool is not installed" >&2; exit 0; }
done
[ "$(id -u)" = 0 ] || { echo "SKIPPED: it has to be root" >&2; exit 0; }

folder=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cargo xtask package "$program"
package=$(ls -t target/package/sealift_*.deb | head -n 1)
lintian --allow-root --fail-on error,warning "$package"
dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" ./lib/systemd/system ./usr/share/man
unit=$folder/lib/systemd/system/sealift-registry.service
# The program is not installed here.
sed 's|^ExecStart=/usr/bin/sealift|ExecStart=/bin/true|' "$unit" >"$folder/sealift-registry.service"
systemd-analyze verify --man=no "$folder/sealift-registry.service"
systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/sealift-registry.service" | tail -n 1
for page in sealift sealift-registry-serve; do
  LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$folder/usr/share/man/man1/$page.1.gz" \
    >"$folder/page" 2>"$folder/warnings"
  [ ! -s "$folder/warnings" ] || fail "$page: $(cat "$folder/warnings")"
  grep -q SYNOPSIS "$folder/page" || fail "$page has no synopsis"
done

root=$folder/root
mmdebstrap --quiet --variant=minbase --include=ca-certificates,adduser bookworm "$root"
cp "$package" "$root/tmp/sealift.deb"
inside() { chroot "$root" "$@"; }
inside dpkg -i /tmp/sealift.deb
[ "$(inside dpkg-query -W -f '${Status}' sealift)" = "install ok installed" ] || fail "it is not installed"
[ "$(inside stat -c '%a %U %G' /etc/sealift/users.htpasswd)" = "640 root sealift" ] || fail "users.htpasswd"

# A user of the machine names somebody, and the service's user serves.
inside sh -c 'echo "a long enough secret" >/tmp/password
  sealift registry user add --password-file /tmp/password /etc/sealift/users.htpasswd anna'
[ "$(inside stat -c '%a %U %G' /etc/sealift/users.htpasswd)" = "640 root sealift" ] || fail "users.htpasswd has another owner"
inside install -d -m 0700 -o sealift -g sealift /var/lib/sealift
sed -i 's/127.0.0.1:5000/127.0.0.1:5017/' "$root/etc/sealift/registry.yml"
inside setpriv --reuid sealift --regid sealift --clear-groups env HOME=/var/lib/sealift \
  /usr/bin/sealift registry serve /etc/sealift/registry.yml 2>"$folder/log" &
server=$!
for _ in $(seq 100); do
  curl -sf http://127.0.0.1:5017/readyz >/dev/null && break
  sleep 0.1
done
status() { curl -s -o /dev/null -w '%{http_code}' "$@" http://127.0.0.1:5017/v2/; }
[ "$(status)" = 401 ] || fail "a stranger gets $(status): $(cat "$folder/log")"
[ "$(status -u 'anna:a long enough secret')" = 200 ] || fail "anna is not let in: $(cat "$folder/log")"
kill "$server"
wait "$server" || true
server=

# A second installation changes nothing; removal keeps the configuration and the images, purging the images only.
inside dpkg -i /tmp/sealift.deb
grep -q anna "$root/etc/sealift/users.htpasswd" || fail "the users are gone"
inside dpkg -r sealift
[ ! -e "$root/usr/bin/sealift" ] || fail "the program is still there"
[ -e "$root/etc/sealift/registry.yml" ] || fail "the configuration went with the program"
inside dpkg -P sealift
[ ! -e "$root/etc/sealift" ] || fail "purged, and there is $(ls "$root/etc/sealift")"
[ -e "$root/var/lib/sealift/registry/meta.db" ] || fail "the images are gone"
echo "the package is well"
