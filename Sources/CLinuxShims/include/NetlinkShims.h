// Constants of <linux/netlink.h> under names of their own: other modules import the same macros, and Swift can't choose.
#ifndef CLINUX_NETLINK_SHIMS_H
#define CLINUX_NETLINK_SHIMS_H

#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

static const int CLINUX_SOL_NETLINK = 270;
static const int CLINUX_NETLINK_EXT_ACK = NETLINK_EXT_ACK;
static const int CLINUX_NETLINK_CAP_ACK = NETLINK_CAP_ACK;
static const int CLINUX_NETLINK_GET_STRICT_CHK = NETLINK_GET_STRICT_CHK;
static const int CLINUX_MSG_TRUNC = MSG_TRUNC;
static const int CLINUX_NLMSG_NOOP = NLMSG_NOOP;
static const int CLINUX_NLMSG_ERROR = NLMSG_ERROR;
static const int CLINUX_NLMSG_DONE = NLMSG_DONE;
static const int CLINUX_NLMSGERR_ATTR_MSG = NLMSGERR_ATTR_MSG;
static const int CLINUX_NLM_F_ACK_TLVS = NLM_F_ACK_TLVS;
static const int CLINUX_NLM_F_DUMP_INTR = NLM_F_DUMP_INTR;
static const int CLINUX_NLA_F_NESTED = NLA_F_NESTED;
static const int CLINUX_IFF_UP = IFF_UP;
// IPV4_DEVCONF_PROMOTE_SECONDARIES of <linux/ip.h>, which clashes with <netinet/ip.h>.
static const int CLINUX_PROMOTE_SECONDARIES = 20;
static const int CLINUX_IFA_F_NODAD = IFA_F_NODAD;
static const int CLINUX_FIB_RULE_INVERT = FIB_RULE_INVERT;
// nftables tells of what it removes; the name of the table is the same attribute of each.
static const int CLINUX_NETLINK_NETFILTER = NETLINK_NETFILTER;
static const int CLINUX_NFNLGRP_NFTABLES = NFNLGRP_NFTABLES;
static const int CLINUX_NFT_GETTABLE = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
static const int CLINUX_NFT_NEWTABLE = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE;
static const int CLINUX_NFTA_TABLE_NAME = NFTA_TABLE_NAME;
// Kernels from 4.16 on have it; older headers don't name it.
static const int CLINUX_NFTA_TABLE_HANDLE = 4;
static const int CLINUX_NFT_DELTABLE = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE;
static const int CLINUX_NFT_DELCHAIN = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELCHAIN;
static const int CLINUX_NFT_DELRULE = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE;
static const int CLINUX_NFTA_TABLE = NFTA_RULE_TABLE;
#endif
