// Package api answers programs: in the formats of the Hetzner Robot webservice and of the Hetzner Cloud API, which existing
// clients speak, and in one of its own, which takes many changes at once.
package api
