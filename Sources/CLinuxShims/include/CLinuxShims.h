// Macros and structs that Swift cannot import. No policy here.
#ifndef CLINUX_SHIMS_H
#define CLINUX_SHIMS_H

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "DatagramShims.h"

#endif
