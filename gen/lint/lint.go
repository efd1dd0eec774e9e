// Package lint holds the rules that an inventory must keep.
//
// A rule is a value in a file of its own, named for its id; its page is docs/rules/<id>.md. A rule is there to find
// mistakes: house style is none.
package lint

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
	"github.com/revmap/revmap/internal/parallel"
)

// A Rule detects one kind of mistake. It is immutable and safe for concurrent use.
type Rule struct {
	ID       string        // stable: never renamed, never used again for something else
	Severity diag.Severity // of its findings, unless the source sets another
	Title    string        // what a source must be like, in a few words
	// Required tells that nothing can be compiled while the rule is broken; its severity cannot be changed.
	Required bool
	// missing tells that the rule finds what is not there. It is not run if a file could not be read: what is missing
	// may be in that file.
	missing bool
	// A rule has one of the following, or several. It has none if gen/source or gen/forward makes its findings while it
	// reads. All call report for each finding; Severity and Rule are filled in for them.
	//
	// Check looks at the frame of a source: its blocks, delegations, products and defaults.
	check func(inv *model.Inventory, report func(diag.Diagnostic))
	// Entries looks at servers, addresses and accounts. A large source is taken apart for that (see Linter.Part), so a
	// finding may depend on nothing else but the frame, the accounts of the servers at hand, and entries that are related
	// to them by one of across. TestParts holds all rules to it.
	entries func(inv *model.Inventory, report func(diag.Diagnostic))
	across  relation
	// Compare is entries for a rule that asks more than the inventory.
	compare func(c *comparison, report func(diag.Diagnostic))
	// Names looks at names of hosts: reverse map names, and what all default hostnames of a product or fallback names of a
	// block end with; if nameservers is set, those of name servers, too.
	names       func(each eachName, report func(diag.Diagnostic))
	nameservers bool
	// Group is compare for findings of which many parts make similar ones that are one for the whole source, or none.
	// Settle returns those that hold for a group; nil stands for the first alone. It is called once for each group.
	group  func(c *comparison, add addFunc)
	settle func(*Group) diag.List
}

// An addFunc adds a finding to the group of the given name. It is about addr, or about what addr shares with others. A
// finding without a message tells that there is none about addr.
type addFunc func(group string, addr netip.Addr, d diag.Diagnostic)

// Rules lists all rules by id. It is read-only.
var Rules = []*Rule{
	accountUnknown,
	addressAssignedTwice,
	addressInDelegation,
	addressInvalid,
	addressNetworkBroadcast,
	addressOutsideBlocks,
	addressRoutedElsewhere,
	blockDocumentation,
	blockOverlap,
	blockSpecialPurpose,
	classlessLabel,
	classlessZone,
	definedTwice,
	delegationGlue,
	delegationMisplaced,
	delegationNameservers,
	delegationZone,
	domainMisspelt,
	dsZoneUnknown,
	duplicateKey,
	fallbackNotInvertible,
	fallbackNotTransferable,
	forwardAlias,
	forwardElsewhere,
	forwardMissing,
	forwardsInvalid,
	heloGeneric,
	heloMismatch,
	heloWithoutName,
	hostnameAmbiguous,
	hostnameShared,
	includeInvalid,
	missingKey,
	nameGeneric,
	nameGenericS25R,
	nameInArpa,
	nameInvalid,
	nameMixedScripts,
	nameMultiple,
	nameNotHostname,
	nameNotNFC,
	nameNumericTLD,
	nameOfAnotherServer,
	nameOfProvider,
	nameOutsideDomains,
	namePlaceholder,
	namePublicSuffix,
	nameReservedLabel,
	nameShared,
	nameTLDUnknown,
	nameserverAlias,
	nameserverInBlock,
	nameserverSingle,
	nameserverWithoutAddress,
	primaryFamilyTwice,
	primaryNotListed,
	primaryOfAnotherServer,
	productUnknown,
	reverseElsewhere,
	reverseMissing,
	severityInvalid,
	soaTimers,
	syntax,
	templateGeneric,
	templateInvalid,
	templateYieldsInvalid,
	ttlRange,
	unknownKey,
	waiverExpired,
	waiverInvalid,
	waiverUnused,
	wrongType,
	zoneOverlap,
}

// Find returns the rule with the given id, nil if there is none.
func Find(id string) *Rule {
	i := slices.IndexFunc(Rules, func(r *Rule) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return Rules[i]
}

// Options are what findings depend on beside the source.
type Options struct {
	Today    time.Time      // the day on which waivers are judged
	Forwards *forward.Zones // what forward zone files say; nil if there are none
}

// IDs returns the ids of all rules, sorted.
func IDs() []string {
	ids := make([]string, len(Rules))
	for i, r := range Rules {
		ids[i] = r.ID
	}
	return ids
}

// Run returns the findings of all rules over inv together with found, those that were made while its source was read.
// They are sorted, have the severities that the source asks for, and lack those that it waives. Run keeps neither inv nor
// found. It uses all processors.
func Run(inv *model.Inventory, found diag.List, o Options) diag.List {
	l := New(inv, found, o)
	return l.Finish([]Partial{l.Frame(), l.run(l.frame.of(inv), parallel.Each)}, found, inv.Source.Waivers)
}

// severities returns the severity of each rule. A setting that the rule severity-invalid reports has no effect.
func severities(inv *model.Inventory) map[string]diag.Severity {
	m := make(map[string]diag.Severity, len(Rules))
	for _, r := range Rules {
		m[r.ID] = r.Severity
	}
	for _, s := range inv.Source.Severities {
		if r := Find(s.Rule.Value); r != nil && !r.Required {
			m[r.ID] = s.Severity
		}
	}
	return m
}

// reverseMapNames calls f for each reverse map name of an address outside of delegations, by address.
func reverseMapNames(inv *model.Inventory, f func(a *model.Address, name source.Name)) {
	for i := range inv.Addresses {
		a := &inv.Addresses[i]
		if a.Entry == nil || a.Delegation != nil {
			continue
		}
		for _, name := range a.Entry.Names {
			f(a, name)
		}
	}
}

// useOrAdd is the hint for a name that a section of the source does not have, but perhaps one of legal.
func useOrAdd(name, section string, legal []string) string {
	hint := fmt.Sprintf("add it under %q", section)
	if near := source.Nearest(name, legal); near != "" {
		hint = fmt.Sprintf("write %q, or %s", near, hint)
	}
	return hint
}
