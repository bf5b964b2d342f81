// The TUN driver's ioctls (their numbers and struct ifreq don't import) and the driver's version.
#ifndef CLINUX_TUN_SHIMS_H
#define CLINUX_TUN_SHIMS_H

#include <stdint.h>

// TUNSETIFF: attaches a queue to the interface `name` (16 bytes, terminated), or makes it. Fills in the name that it got.
int clinux_tun_attach(int descriptor, char *name, uint16_t flags);
// TUNGETIFF: which interface this descriptor is attached to.
int clinux_tun_interface(int descriptor, char *name, uint16_t *flags);
int clinux_tun_set_persistent(int descriptor, int persistent);
int clinux_tun_set_owner(int descriptor, uint32_t user);
int clinux_tun_set_group(int descriptor, uint32_t group);
int clinux_tun_set_offload(int descriptor, uint32_t features);
int clinux_tun_set_header_size(int descriptor, int size);
// SIOCGSKNS: a new descriptor of the network namespace.
int clinux_tun_namespace(int descriptor);
int clinux_tun_features(int descriptor, uint32_t *features);

// SIOCETHTOOL with ETHTOOL_GDRVINFO on any socket: driver name and version (32 bytes each) of an interface.
int clinux_driver_version(int socket, const char *interface, char *driver, char *version);

// The kernel's release (uname), at most `size` bytes with its terminator.
int clinux_kernel_release(char *release, unsigned long size);

// Moves the calling thread to a new network namespace, or to that of an open descriptor.
int clinux_unshare_network(void);
int clinux_enter_network(int descriptor);
#endif
