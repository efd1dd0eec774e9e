package lint

import (
	"fmt"

	"github.com/revmap/revmap/gen/diag"
	"github.com/revmap/revmap/gen/generic"
	"github.com/revmap/revmap/gen/model"
)

var heloGeneric = &Rule{
	ID:       "helo-generic",
	Severity: diag.Warning,
	Title:    "no mail filter takes what a mail server says in HELO, or its default hostname, for a generated name",
	entries: func(inv *model.Inventory, report func(diag.Diagnostic)) {
		for _, s := range inv.Servers {
			if s.Helo.Value == "" {
				continue
			}
			if m := generic.HELO(s.Helo.Value); m != nil {
				report(looksGenerated(s.Helo, fmt.Sprintf("%q in HELO", s.Helo.Value), m...))
			}
		}
		mailPrimaries(inv, func(a *model.Address) {
			if len(reverseNames(a)) > 0 || a.Default == "" {
				return // name-generic looks at the names
			}
			m := generic.PTR(a.Default)
			if s25r, ok := generic.S25R(a.Default); ok {
				m = append(m, s25r)
			}
			if m != nil {
				d := looksGenerated(a.Server.Helo, fmt.Sprintf("the default hostname %q", a.Default), m...)
				d.Pos = a.Primary.Pos
				d.Hint = fmt.Sprintf("give %s a reverse map name", a.Addr)
				report(d)
			}
		})
	},
}
