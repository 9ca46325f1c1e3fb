#!/bin/busybox sh
# The first process of the machine: mounts what there is, and leaves the rest to the guest program. Says on the console what fails.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs devtmpfs /dev
for module in $($b cat /modules/order); do
    $b insmod "/modules/$module" || echo "cannot load $module"
done
$b ifconfig lo 127.0.0.1 up
$b mount -t ext4 /dev/vda /data || echo "cannot mount the disk"
exec /bin/power guest
