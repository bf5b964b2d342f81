#define _GNU_SOURCE
#include "TunShims.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

int clinux_tun_attach(int descriptor, char *name, uint16_t flags) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, name, IFNAMSIZ);
    request.ifr_flags = (short)flags;
    if (ioctl(descriptor, TUNSETIFF, &request) < 0) return -1;
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return 0;
}

int clinux_tun_interface(int descriptor, char *name, uint16_t *flags) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    if (ioctl(descriptor, TUNGETIFF, &request) < 0) return -1;
    memcpy(name, request.ifr_name, IFNAMSIZ);
    *flags = (uint16_t)request.ifr_flags;
    return 0;
}

int clinux_tun_set_persistent(int descriptor, int persistent) {
    return ioctl(descriptor, TUNSETPERSIST, (unsigned long)persistent);
}

int clinux_tun_set_owner(int descriptor, uint32_t user) {
    return ioctl(descriptor, TUNSETOWNER, (unsigned long)user);
}

int clinux_tun_set_group(int descriptor, uint32_t group) {
    return ioctl(descriptor, TUNSETGROUP, (unsigned long)group);
}

int clinux_tun_set_offload(int descriptor, uint32_t features) {
    return ioctl(descriptor, TUNSETOFFLOAD, (unsigned long)features);
}

int clinux_tun_set_header_size(int descriptor, int size) {
    return ioctl(descriptor, TUNSETVNETHDRSZ, &size);
}

int clinux_tun_features(int descriptor, uint32_t *features) {
    return ioctl(descriptor, TUNGETFEATURES, features);
}

int clinux_tun_namespace(int descriptor) {
    return ioctl(descriptor, SIOCGSKNS);
}

int clinux_driver_version(int socket, const char *interface, char *driver, char *version) {
    struct ethtool_drvinfo info;
    memset(&info, 0, sizeof info);
    info.cmd = ETHTOOL_GDRVINFO;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    request.ifr_data = (void *)&info;
    if (ioctl(socket, SIOCETHTOOL, &request) < 0) return -1;
    memcpy(driver, info.driver, sizeof info.driver);
    memcpy(version, info.version, sizeof info.version);
    driver[31] = version[31] = 0;
    return 0;
}

int clinux_kernel_release(char *release, unsigned long size) {
    struct utsname name;
    if (uname(&name) < 0) return -1;
    strncpy(release, name.release, size - 1);
    release[size - 1] = 0;
    return 0;
}

int clinux_unshare_network(void) {
    return unshare(CLONE_NEWNET);
}

int clinux_enter_network(int descriptor) {
    return setns(descriptor, CLONE_NEWNET);
}
