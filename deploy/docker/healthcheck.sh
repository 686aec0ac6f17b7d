#!/bin/bash
# Is the server in this container ready? By bash's own TCP: the image has no HTTP client.
set -eu
exec 3<>/dev/tcp/127.0.0.1/5000
printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
read -r -t 2 _ status _ <&3
[ "$status" = 200 ]
