#!/usr/bin/env bash
# The suite's session on a D-Bus of its own that starts no service but evolution-data-server's: no keyring, no online accounts.
set -euo pipefail
services=$PWD/services
mkdir -p "$services" bus
chmod 700 bus
cp /usr/share/dbus-1/services/org.gnome.evolution.dataserver.{Sources5,Calendar8,UserPrompter0}.service "$services"
cat > bus.conf <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <servicedir>$services</servicedir>
  <policy context="default"><allow send_destination="*"/><allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/><allow own="*"/></policy>
</busconfig>
END
unset DISPLAY WAYLAND_DISPLAY
export XDG_RUNTIME_DIR=$PWD/bus GSETTINGS_BACKEND=memory GIO_USE_VFS=local GIO_USE_NETWORK_MONITOR=base NO_AT_BRIDGE=1
# Debian's own Python, for which the bindings are installed.
exec dbus-run-session --config-file=bus.conf -- /usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/session.py"
