// Raw sockets that look at what happens on the wire and inside of a tunnel.
#ifndef CLINUX_PROBE_SHIMS_H
#define CLINUX_PROBE_SHIMS_H

#include <stdint.h>

// An AF_PACKET socket (SOCK_DGRAM, not blocking) that takes the UDP datagrams to `port` that arrive on any interface. The descriptor, or
// -1 with errno.
int clinux_open_arrival_tap(uint16_t port);

// Takes one: 1, 0 if none waits, -1 with errno. `packet` gets the first bytes from the IP header on, `count` how many.
struct clinux_arrival {
    int32_t interface_index;
    uint8_t packet[64];
    uint32_t count;
};
int clinux_next_arrival(int descriptor, struct clinux_arrival *result);

// A raw ICMP (ICMPv6) socket, not blocking, of one interface, that receives echo replies. The descriptor, or -1 with errno.
int clinux_open_echo(int family, const char *interface);
#endif
