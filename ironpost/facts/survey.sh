# Reads all that a run needs to know of a host. POSIX sh and Debian's essential packages alone; changes nothing.
# Standard input: the manifest that the host is compared with. Arguments: a mail server elsewhere (or nothing), to which a
# host that is new tries to connect; then packages that must not be there.
export LC_ALL=C
say() { printf 'ironpost\t%s\t%s\n' "$1" "$2"; }
say uid "$(id -u)"
say system "$(. /etc/os-release; echo "$ID")"
say release "$(. /etc/os-release; echo "$VERSION_CODENAME")"
say init "$(cat /proc/1/comm)"
say memory_kib "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
say disk_kib "$(df -Pk /var | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\) .*/\1/p')"
say clock "$(date +%s)"
audit="$(dpkg --audit 2>/dev/null | head -c 200 | tr '\n\t' '  ')"
[ -n "$audit" ] && say halfway "$audit"
grep -qsx '# ironpost' /usr/sbin/policy-rc.d && say halfway "services are still held back"
# Many providers block outgoing port 25. bash's /dev/tcp is all that a bare Debian has to find out with.
greeted() {
  timeout 6 bash -c 'exec 3<>"/dev/tcp/$1/25" && read -r line <&3 && echo "$line"' - "$1" 2>/dev/null | head -c 3
}
witness=$1
shift
if [ -n "$witness" ] && [ ! -e /var/lib/ironpost/state.json ]; then
  for version in 4 6; do
    address="$(getent "ahostsv$version" "$witness" | sed -n '1s/ .*//p')"
    [ -n "$address" ] && say outgoing "$version $address $(greeted "$address")"
  done
  say outgoing asked
fi
# Whose host this is so far, as long as nothing of ours was ever in place.
if [ ! -e /var/lib/ironpost/state.json ]; then
  link="$(readlink /etc/resolv.conf)" && say resolver "$link"
  [ -d /etc/cloud ] && command -v cloud-init >/dev/null && [ ! -e /etc/cloud/cloud-init.disabled ] && say cloud yes
  for program in postfix dovecot; do
    case $program in postfix) file=/etc/postfix/main.cf ;; *) file=/etc/dovecot/dovecot.conf ;; esac
    # Debian's own file, as the package or an interrupted run of ours left it, is nobody's work.
    [ -f "$file" ] && ! grep -qs ironpost "$file" && ! cmp -s "$file" /usr/share/postfix/main.cf.debian &&
      ! cmp -s "$file" /etc/postfix/main.cf.proto && ! cmp -s "$file" /usr/share/dovecot/dovecot.conf &&
      say configured "$file"
  done
  for queue in /var/spool/exim4/input /var/spool/postfix/deferred /var/spool/postfix/active /var/spool/mqueue; do
    count="$(find "$queue" -type f ! -name '*-D' 2>/dev/null | wc -l)"
    [ "$count" -gt 0 ] && say queued "$queue $count"
  done
fi
for package; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^i' && say alien "$package"
done
# sudo hides where this session comes from; the environment of its sshd process tells
pid=$$
while [ "$pid" -gt 1 ]; do
  from=$(tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^SSH_CONNECTION=\([^ ]*\) .*/\1/p')
  [ -n "$from" ] && { say ssh_from "$from"; break; }
  pid=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$pid/status")
done
ss -Hltnp 2>/dev/null | sed 's/  */ /g' | while read -r _ _ _ local _ who; do say listener "$local $who"; done
# One that nobody has confirmed is about to open again.
nft list table inet ironpost >/dev/null 2>&1 && ! systemctl is-active -q ironpost-open.timer && say firewall ours
if [ -f /usr/lib/ironpost/onhost/__main__.py ] && command -v python3 >/dev/null; then
  exec python3 -B /usr/lib/ironpost/onhost survey
fi
if [ -f /var/lib/ironpost/program/onhost/__main__.py ] && command -v python3 >/dev/null; then
  exec python3 -B /var/lib/ironpost/program/onhost survey
fi
