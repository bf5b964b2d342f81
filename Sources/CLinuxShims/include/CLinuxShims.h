// Macros and structs that Swift cannot import. No policy here.
#ifndef CLINUX_SHIMS_H
#define CLINUX_SHIMS_H

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/virtio_net.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "DatagramShims.h"
#include "ForkShims.h"
#include "NamespaceShims.h"
#include "NetlinkShims.h"
#include "PrivilegeShims.h"
#include "ProbeShims.h"
#include "ProcessShims.h"
#include "TerminalShims.h"
#include "TunShims.h"

#endif
