package lint

import (
	"fmt"
	"net/netip"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/model"
)

var blockSpecialPurpose = &Rule{
	ID:       "block-special-purpose",
	Severity: diag.Warning,
	Title:    "no block is of addresses that no network on the Internet has",
	check: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, b := range inv.Blocks {
			r := holding(specialPurpose, b.Prefix.Prefix)
			if r == nil {
				continue
			}
			hint := "correct the prefix, or remove the block"
			if r.local != "" {
				hint = "remove the block, or make the resolvers of your network ask for it"
			}
			report(diag.Diagnostic{Pos: b.Prefix.Pos, Message: r.describe(b), Hint: hint})
		}
	},
}

// A reserved range of addresses is one that no network on the Internet has for its hosts.
type reserved struct {
	prefix netip.Prefix
	name   string // what kind of space it is
	rfc    string // what reserves it
	local  string // the RFC by which resolvers answer for it without asking anybody; "" if they do ask
}

// holding returns the smallest range of list that p lies in, nil if there is none.
func holding(list []reserved, p netip.Prefix) *reserved {
	var smallest *reserved
	for i := range list {
		r := &list[i]
		if r.prefix.Contains(p.Addr()) && r.prefix.Bits() <= p.Bits() &&
			(smallest == nil || r.prefix.Bits() > smallest.prefix.Bits()) {
			smallest = r
		}
	}
	return smallest
}

// describe says of b, which lies in r, why its names are of no use.
func (r *reserved) describe(b *model.Block) string {
	s := fmt.Sprintf("block %s is %s space (%s)", b.Prefix, r.name, r.rfc)
	if r.local != "" {
		return fmt.Sprintf("%s: resolvers answer for it themselves (%s)", s, r.local)
	}
	return s + ", which no registry gives to a network"
}

// specialPurpose holds the ranges of IANA's registries of special-purpose addresses (RFC 6890), but for those for
// documentation and for smaller ones that say no more; also multicast addresses, and those reserved for a use to come.
// RFC 6303 section 4 and RFC 7793 say for which of them resolvers answer.
var specialPurpose = []reserved{
	reserve("0.0.0.0/8", `"this network"`, "RFC 791 section 3.2", "RFC 6303"),
	reserve("10.0.0.0/8", "private-use", "RFC 1918", "RFC 6303"),
	reserve("100.64.0.0/10", "shared address", "RFC 6598", "RFC 7793"),
	reserve("127.0.0.0/8", "loopback", "RFC 1122 section 3.2.1.3", "RFC 6303"),
	reserve("169.254.0.0/16", "link-local", "RFC 3927", "RFC 6303"),
	reserve("172.16.0.0/12", "private-use", "RFC 1918", "RFC 6303"),
	reserve("192.0.0.0/24", "protocol assignment", "RFC 6890 section 2.1", ""),
	reserve("192.31.196.0/24", "AS112", "RFC 7535", ""),
	reserve("192.52.193.0/24", "AMT", "RFC 7450", ""),
	reserve("192.88.99.0/24", "deprecated 6to4 relay", "RFC 7526", ""),
	reserve("192.168.0.0/16", "private-use", "RFC 1918", "RFC 6303"),
	reserve("192.175.48.0/24", "AS112", "RFC 7534", ""),
	reserve("198.18.0.0/15", "benchmarking", "RFC 2544", ""),
	reserve("224.0.0.0/4", "multicast", "RFC 5771", ""),
	reserve("240.0.0.0/4", "reserved", "RFC 1112 section 4", ""),
	reserve("255.255.255.255/32", "limited broadcast", "RFC 919", "RFC 6303"),

	// All IPv6 outside of 2000::/3.
	reserve("::/3", "reserved", "RFC 4291 section 2.4", ""),
	reserve("4000::/2", "reserved", "RFC 4291 section 2.4", ""),
	reserve("8000::/1", "reserved", "RFC 4291 section 2.4", ""),

	reserve("::/128", "unspecified address", "RFC 4291", "RFC 6303"),
	reserve("::1/128", "loopback", "RFC 4291", "RFC 6303"),
	reserve("64:ff9b::/96", "IPv4 translation", "RFC 6052", ""),
	reserve("64:ff9b:1::/48", "IPv4 translation", "RFC 8215", ""),
	reserve("100::/64", "discard-only", "RFC 6666", ""),
	reserve("100:0:0:1::/64", "dummy", "RFC 9780", ""),
	reserve("2001::/23", "protocol assignment", "RFC 2928", ""),
	reserve("2001::/32", "Teredo", "RFC 4380", ""),
	reserve("2001:2::/48", "benchmarking", "RFC 5180", ""),
	reserve("2001:3::/32", "AMT", "RFC 7450", ""),
	reserve("2001:4:112::/48", "AS112", "RFC 7535", ""),
	reserve("2001:10::/28", "ORCHID", "RFC 4843", ""),
	reserve("2001:20::/28", "ORCHIDv2", "RFC 7343", ""),
	reserve("2001:30::/28", "drone remote ID", "RFC 9374", ""),
	reserve("2002::/16", "6to4", "RFC 3056", ""),
	reserve("2620:4f:8000::/48", "AS112", "RFC 7534", ""),
	reserve("5f00::/16", "SRv6 SID", "RFC 9602", ""),
	reserve("fc00::/7", "unique-local", "RFC 4193", ""),
	reserve("fd00::/8", "unique-local", "RFC 4193", "RFC 6303"),
	reserve("fe80::/10", "link-local", "RFC 4291", "RFC 6303"),
	reserve("fec0::/10", "deprecated site-local", "RFC 3879", ""),
	reserve("ff00::/8", "multicast", "RFC 4291", ""),
}

func reserve(prefix, name, rfc, local string) reserved {
	return reserved{netip.MustParsePrefix(prefix), name, rfc, local}
}
