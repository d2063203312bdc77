#!/bin/sh
# Ray Serve starts HAProxy through this script. It takes the configuration that Ray has just written and
# closes what Ray leaves open: the statistics and metrics pages listen on loopback instead of everywhere,
# the log that nobody reads opens no UDP socket, the admin socket is ours alone, and HAProxy's own 502, 503
# and 504 are answered as what they are, not as 500. Where requests go to a replica by what they begin with, it
# is a ring (one replica more or less moves few of them), and no replica gets over 1.5 times its share.
set -eu
config=""
previous=""
for argument in "$@"; do
    if [ "$previous" = "-f" ]; then config="$argument"; fi
    previous="$argument"
done
if [ -n "$config" ]; then
    sed -i \
        -e 's/^\([[:space:]]*bind[[:space:]]\{1,\}\)\*\{0,1\}:\([0-9]\{1,\}\)/\1127.0.0.1:\2/' \
        -e '/^[[:space:]]*log 127\.0\.0\.1:514 /d' \
        -e '/^[[:space:]]*errorfile 50[234] /d' \
        -e 's/^\([[:space:]]*\)balance hdr(.*$/&\n\1hash-type consistent\n\1hash-balance-factor 150/' \
        -e 's/ mode 666 level admin/ mode 600 level admin/' \
        "$config"
fi
if [ -n "$config" ] && [ -n "${HEADRACE_SERVE_ALSO_AT:-}" ]; then
    # In a cluster: the way to the replicas is open at this machine's address too, and nothing else is.
    port="${HEADRACE_SERVE_ALSO_AT##*:}"
    sed -i "s/^\([[:space:]]*bind[[:space:]]\{1,\}127\.0\.0\.1:$port\)\([[:space:]]\|\$\)/\1,$HEADRACE_SERVE_ALSO_AT\2/" "$config"
fi
exec "$HEADRACE_HAPROXY" "$@"
