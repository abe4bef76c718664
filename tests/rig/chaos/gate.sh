#!/bin/sh
# A gate of the chaos run: sh gate.sh JOURNAL KIND ID, in the project's folder. What an agent has left red is in src.
journal=$1 kind=$2 id=$3 code=0
dice() { test $(($(od -An -N1 -tu1 /dev/urandom) % $1)) = 0; }
case $kind in
  flaky) dice 5 && code=1 ;;
  slow) sleep 0.5 ;;
  hangs) dice 10 && sleep 60 ;;
esac
case $id in
  all) for left in src/*.red; do test ! -e "$left" || code=1; done ;;
  *) test ! -e "src/$id.red" || code=1 ;;
esac
read -r now _ < /proc/uptime
printf '{"t": %s, "event": "gate", "who": "gate", "kind": "%s", "id": "%s", "code": %d}\n' "$now" "$kind" "$id" "$code" >> "$journal"
echo "the gate of $id: $code"
exit $code
