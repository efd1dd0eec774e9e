// Package lint holds the rules that an inventory must keep.
//
// A rule is a value in a file of its own, named for its id; its page is docs/rules/<id>.md. A rule is there to find
// mistakes: house style is none.
package lint

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/forward"
	"github.com/revmap/revmap/gen/model"
	"github.com/revmap/revmap/gen/source"
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
	// check calls report for each finding; Severity and Rule are filled in by Run. It and compare are nil for a rule whose
	// findings gen/source or gen/forward makes while it reads.
	check func(inv *model.Inventory, report func(diag.Diagnostic))
	// compare is check for a rule that asks the forward zone files too.
	compare func(c *comparison, report func(diag.Diagnostic))
}

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
	severity := severities(inv)
	unread := slices.ContainsFunc(found, func(d diag.Diagnostic) bool {
		return d.Rule == syntax.ID || d.Rule == includeInvalid.ID
	})
	var list diag.List
	for _, d := range found {
		if r := Find(d.Rule); r != nil { // who reads knows no severities
			d.Severity = severity[r.ID]
		}
		if d.Severity != diag.Off {
			list = append(list, d)
		}
	}
	c := newComparison(inv, o.Forwards)
	lists := make([]diag.List, len(Rules))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(Rules)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(Rules); i = int(next.Add(1)) - 1 {
				r := Rules[i]
				if severity[r.ID] == diag.Off || r.missing && unread {
					continue
				}
				report := func(d diag.Diagnostic) {
					d.Rule, d.Severity = r.ID, severity[r.ID]
					lists[i] = append(lists[i], d)
				}
				switch {
				case r.check != nil:
					r.check(inv, report)
				case r.compare != nil:
					r.compare(c, report)
				}
			}
		})
	}
	workers.Wait()
	list = slices.Concat(append(lists, list)...)
	waivers := inv.Source.Waivers
	if o.Forwards != nil {
		waivers = slices.Concat(waivers, o.Forwards.Waivers)
	}
	return waive(waivers, list, severity, unread, o.Today).Sort()
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
