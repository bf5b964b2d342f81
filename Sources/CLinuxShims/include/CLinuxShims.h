// Macros and structs that Swift cannot import. No policy here.
#ifndef CLINUX_SHIMS_H
#define CLINUX_SHIMS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/ioctl.h>

#include "DatagramShims.h"

#endif
